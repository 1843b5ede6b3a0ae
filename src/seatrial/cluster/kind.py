"""The kind cluster: its configuration, creation and removal, always with a kubeconfig of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import yaml

from seatrial.cluster import golang
from seatrial.cluster.client import Cluster
from seatrial.cluster.engine import bounding_set, docker, needs_bounded_runtime
from seatrial.cluster.identity import Identity, identify
from seatrial.cluster.node_image import KIND
from seatrial.command import logged
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import cache_root, cached

DEFAULT_NAME = "seatrial"
DEFAULT_WORKERS = 2
NODE_READY_SECONDS = 180
"""How long nodes may take to become ready; 27 s were measured on two cores."""
PROXY_BATCH = "100ms"
"""How long a node's proxy gathers changes before it programs them. kind's 1 s suits a thousand nodes; here it would be
most of the time between the withdrawal of an endpoint and the death of its pod (docs/decisions/0005)."""
PODS_WEIGHT = 1000
"""Of what holds a node's pods and its kubelet (systemd's CPUWeight; 100 is usual, and that of what containerd does):
about what pods have on a machine (docs/decisions/0015)."""
FORGOTTEN_SECONDS = 5
"""How long a node remembers a connection that nobody answered; 120 is usual. Until then its source port leads to the
replica that did not answer, though its endpoint is gone (docs/decisions/0018)."""
NODE_SETUP = (
    f"systemctl set-property kubelet.slice CPUWeight={PODS_WEIGHT}",
    f"echo net.netfilter.nf_conntrack_tcp_timeout_syn_sent={FORGOTTEN_SECONDS} > /etc/sysctl.d/90-seatrial.conf",
    "systemctl restart systemd-sysctl",
)
"""What is done in each node of a new cluster; it outlives a restart of the node."""
GRACE_SECONDS = 25
"""Since a node's last sign of life, until it is held for lost. 50 is usual, and would be most of the time that a fault
of a node takes (docs/decisions/0022)."""
LEASE_SECONDS = 20
"""Of a kubelet's lease, which it renews every quarter of it: five times in a grace, as is usual."""
STATS_PERIOD = "60s"
"""How often containerd asks every container what it uses. Nobody here asks containerd for that; each second, which is
usual, took a ninth of two cores on three nodes with a mesh (docs/decisions/0016)."""
ROLE_LABEL = "io.x-k8s.kind.cluster"


@dataclass(frozen=True)
class KindCluster:
    """One cluster by name, whether it exists or not; its files lie in a folder of the cache."""

    name: str = DEFAULT_NAME

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", self.name):
            raise UsageError(
                f"--name {self.name}: not a cluster name", remedy="use lower-case letters, digits and dashes"
            )

    @property
    def folder(self) -> Path:
        return cache_root() / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def record(self) -> Path:
        """The record of what was created: image, configuration, identity. Present only for a cluster that is whole."""
        return self.folder / "cluster.json"

    def connect(self) -> Cluster:
        """Return a connection to it."""
        return Cluster(self.kubeconfig, kubectl())

    def nodes(self) -> tuple[str, ...]:
        """Return the names of its node containers, running or not."""
        listed = docker("ps", "--all", f"--filter=label={ROLE_LABEL}={self.name}", "--format={{.Names}}")
        return tuple(sorted(listed.split()))

    def recorded(self) -> dict[str, Any] | None:
        """Return the record of its creation, or None when it was not created here, or not to the end."""
        try:
            document = json.loads(self.record.read_text())
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None


def kubectl() -> Path:
    """Return the project's kubectl."""
    return golang.binary_folder() / "kubectl"


def _kind() -> Path:
    return golang.binary(KIND)


def configuration(
    workers: int, *, withheld_capability: bool, cgroup_v1: bool, api_port: int | None = None
) -> dict[str, Any]:
    """Return the kind configuration for a host; pure, so that each host's variant can be read in a test.

    ``api_port`` is the loopback port of the API server; any free one when left out.

    A host that withholds CAP_SYS_RESOURCE is treated as rootless is: the kubelet tolerates what it may not set, and
    containerd keeps its processes' OOM scores. On cgroup v1 the kubelet must be told that this is known.
    """
    runtime = [f'[plugins."io.containerd.cri.v1.runtime"]\n  stats_collect_period = "{STATS_PERIOD}"\n']
    if withheld_capability:
        runtime.append('[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n')
    ignore = {"nodeRegistration": {"ignorePreflightErrors": ["SystemVerification"]}}
    patches: list[dict[str, Any]] = [{"kind": kind, **ignore} for kind in ("InitConfiguration", "JoinConfiguration")]
    patches.append({"kind": "KubeProxyConfiguration", "iptables": {"minSyncPeriod": PROXY_BATCH}})
    kubelet = {"kind": "KubeletConfiguration", "nodeLeaseDurationSeconds": LEASE_SECONDS}
    patches.append(kubelet | ({"failCgroupV1": False} if cgroup_v1 else {}))
    document: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"apiServerAddress": "127.0.0.1", **({"apiServerPort": api_port} if api_port else {})},
        "kubeadmConfigPatches": [yaml.safe_dump(patch) for patch in patches],
        "kubeadmConfigPatchesJSON6902": [_controller_manager("node-monitor-grace-period", f"{GRACE_SECONDS}s")],
        "containerdConfigPatches": runtime,
        "nodes": [{"role": "control-plane"}, *(_worker(number) for number in range(workers))],
    }
    if withheld_capability:
        document["featureGates"] = {"KubeletInUserNamespace": True}
    return document


def _controller_manager(option: str, value: str) -> dict[str, Any]:
    """Return a patch that adds an option; a merge would replace those that kind gives."""
    added = {"op": "add", "path": "/controllerManager/extraArgs/-", "value": {"name": option, "value": value}}
    where = {"group": "kubeadm.k8s.io", "version": "v1beta4", "kind": "ClusterConfiguration"}
    return where | {"patch": yaml.safe_dump([added])}


def _worker(number: int) -> dict[str, Any]:
    """Each worker is a zone of its own; pods inherit the label of their node."""
    return {"role": "worker", "labels": {"topology.kubernetes.io/zone": f"zone-{ascii_lowercase[number]}"}}


def wanted_configuration(cluster: KindCluster, workers: int | None, api_port: int | None) -> dict[str, Any]:
    """Return the kind configuration for this host; what is left out is as in the cluster that exists, if one does."""
    there = _configuration_of(cluster)
    workers_there = sum(1 for node in there.get("nodes", ()) if node["role"] == "worker")
    return configuration(
        workers or workers_there or DEFAULT_WORKERS,
        withheld_capability=needs_bounded_runtime(bounding_set()),
        cgroup_v1=not Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        api_port=api_port or _api_port(there),
    )


def _configuration_of(cluster: KindCluster) -> dict[str, Any]:
    """Return the kind configuration that the cluster was created by; empty when it was not created here."""
    found: dict[str, Any] = (cluster.recorded() or {}).get("configuration", {})
    return found


def _api_port(configured: dict[str, Any]) -> int | None:
    """Return the API server's port that a kind configuration asks for, if it does."""
    port: int | None = configured.get("networking", {}).get("apiServerPort")
    return port


def create(cluster: KindCluster, image: str, wanted: dict[str, Any]) -> Identity:
    """Create a cluster by a kind configuration; one that is left from an interrupted run is removed first.

    The record is written last: without it the cluster does not count as ours, nor as whole.
    """
    api_port = _api_port(wanted)
    if api_port and api_port != _api_port(_configuration_of(cluster)):
        require_free(api_port)
    delete(cluster)
    folder = cached("clusters", cluster.name)
    config = folder / "kind.yaml"
    config.write_text(yaml.safe_dump(wanted, sort_keys=False))
    command: list[str | Path] = [
        _kind(),
        "create",
        "cluster",
        f"--name={cluster.name}",
        f"--image={image}",
        f"--config={config}",
    ]
    command += [f"--kubeconfig={cluster.kubeconfig}", "--retain"]
    logged(command, folder / "create.log")
    _set_up(cluster.nodes())
    connection = cluster.connect()
    ready = ("--for=condition=Ready", "nodes", "--all", f"--timeout={NODE_READY_SECONDS}s")
    connection.kubectl("wait", *ready, timeout_seconds=NODE_READY_SECONDS + 30)
    identity = identify(connection)
    record = {**_made(image, wanted), "identity": identity.as_dict()}
    beside = cluster.record.with_suffix(".part")
    beside.write_text(json.dumps(record, indent=2))
    beside.rename(cluster.record)
    return identity


def _made(image: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the record keeps of how a cluster was made: one that was made otherwise is made anew."""
    return {"image": image, "configuration": wanted, "node_setup": list(NODE_SETUP)}


def _set_up(nodes: Iterable[str]) -> None:
    for node in nodes:
        docker("exec", node, "sh", "-ec", "\n".join(NODE_SETUP))


def require_free(port: int) -> None:
    """Raise UsageError when something listens on a loopback port."""
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        raise UsageError(
            f"--api-port {port}: 127.0.0.1:{port} cannot be bound: {error.strerror}",
            remedy="give another port, or leave it out for any free one",
        ) from error


def delete(cluster: KindCluster) -> tuple[str, ...]:
    """Remove the cluster's containers and files and nothing else; returns the names of the containers removed."""
    removed = cluster.nodes()
    if removed and cluster.recorded() is None and not (cluster.folder / "kind.yaml").exists():
        raise EnvironmentFault(
            f"a kind cluster named {cluster.name} exists that this project did not create",
            remedy="give another --name, or remove that cluster yourself",
        )
    if removed:
        docker("rm", "--force", "--volumes", *removed)
    shutil.rmtree(cluster.folder, ignore_errors=True)
    return removed


def is_whole(cluster: KindCluster, image: str, wanted: dict[str, Any]) -> bool:
    """Tell whether the recorded cluster runs, is the one recorded, and is made as asked."""
    record = cluster.recorded()
    if record is None or record != {**record, **_made(image, wanted)}:
        return False
    running = docker("ps", f"--filter=label={ROLE_LABEL}={cluster.name}", "--format={{.Names}}").split()
    if len(running) != len(wanted["nodes"]):
        return False
    try:
        connection = cluster.connect()
        if identify(connection).as_dict() != record["identity"]:
            return False
        nodes = connection.core.list_node(_request_timeout=10).items
    except Exception:  # any failure to speak with it means that it is to be made anew
        return False
    return len(nodes) == len(running) and all(_is_ready(node) for node in nodes)


def _is_ready(node: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions or ())


def current_kubeconfig(option: str = "--cluster=current") -> Path:
    """Return the user's own kubeconfig, which is used only when an option asks for it.

    Raises UsageError, which names the option, when there is none.
    """
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    path = Path(named) if named else Path.home() / ".kube" / "config"
    if not path.is_file():
        raise UsageError(f"{option}: no kubeconfig at {path}", remedy="set KUBECONFIG, or leave the option out")
    return path
