"""From nothing to a running system: engine, images, cluster, platform, system, vantage; what is done is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.cluster import deploy, kind
from seatrial.cluster.client import Cluster
from seatrial.cluster.engine import docker, ensure_engine
from seatrial.cluster.golang import build_tools
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_image import KIND_MODULE, ensure_node_image
from seatrial.cluster.supply import Supply, choose
from seatrial.progress import Phases

ROLLOUT_SECONDS = 180.0
"""How long the workloads may take to roll out; about 20 s were measured on two cores."""
KUBECTL_PACKAGE = "k8s.io/kubernetes/cmd/kubectl"


@dataclass(frozen=True)
class Wanted:
    """What ``up`` is asked for."""

    name: str = kind.DEFAULT_NAME
    workers: int = 2
    supply: str = "auto"
    mirror: str | None = None
    api_port: int | None = None
    """Loopback port of the API server of a cluster that is created; any free one when left out."""


def cluster_up(wanted: Wanted, phases: Phases) -> KindCluster:
    """Return a whole cluster made from this checkout's node image, creating what is missing."""
    cluster = KindCluster(wanted.name)
    ensure_engine(phases)
    supply = choose(wanted.supply, wanted.mirror)
    image = ensure_node_image(supply, phases)
    build_tools([KIND_MODULE], phases)
    _ensure_kubectl(supply, image, phases)
    with phases.phase("check cluster"):
        whole = kind.is_whole(cluster, image, wanted.workers)
    if not whole:
        with phases.phase("create cluster", estimate_seconds=30, then="platform"):
            kind.create(cluster, image, wanted.workers, wanted.api_port)
    return cluster


def _ensure_kubectl(supply: Supply, image: str, phases: Phases) -> None:
    """Take kubectl out of the node image where it was not compiled here."""
    if kind.kubectl().exists():
        return
    if not supply.pulls:
        build_tools([KUBECTL_PACKAGE], phases)
        return
    container = docker("create", image).strip()
    try:
        docker("cp", f"{container}:/usr/bin/kubectl", str(kind.kubectl()))
    finally:
        docker("rm", "--volumes", container)


def platform_up(cluster: Cluster, phases: Phases) -> None:
    """Apply what the cluster itself needs: metrics-server."""
    with phases.phase("platform", estimate_seconds=5, then="system"):
        deploy.apply(cluster, deploy.render(cluster, deploy.MANIFESTS / "platform"))


def system_objects(
    cluster: Cluster, overlay: Path, namespace: str, components: Sequence[Path] = ()
) -> list[deploy.Object]:
    """Return the objects of the system under test and of the vantage that stands beside it."""
    system = deploy.render(cluster, overlay, components=components)
    vantage = deploy.render(cluster, deploy.MANIFESTS / "vantage", namespace=namespace)
    return [*system, *vantage]


def system_up(cluster: Cluster, objects: Sequence[deploy.Object], phases: Phases) -> None:
    """Apply the system and wait until all of it is available."""
    with phases.phase("reference system", estimate_seconds=25, then="ready"):
        deploy.restore(cluster, objects, within_seconds=ROLLOUT_SECONDS)
