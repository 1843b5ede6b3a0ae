"""From nothing to a running system: engine, images, cluster, platform, system, vantage; what is done is skipped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.cluster import deploy, golang, inventory, istio, kind
from seatrial.cluster.admission import follow_namespace
from seatrial.cluster.certificates import with_certificate
from seatrial.cluster.client import Cluster
from seatrial.cluster.components import components
from seatrial.cluster.engine import docker, ensure_engine, is_running
from seatrial.cluster.golang import build
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_image import KIND, drop_build_caches, ensure_node_image
from seatrial.cluster.supply import Supply, choose, pull, refuse_unknown
from seatrial.errors import EnvironmentFault
from seatrial.progress import Phases
from seatrial.system import System

ROLLOUT_SECONDS = 180.0
"""How long the workloads may take to roll out; about 20 s were measured on two cores."""
KEEP_BUILD_CACHE = "SEATRIAL_KEEP_BUILD_CACHE"


@dataclass(frozen=True)
class Wanted:
    """What ``up`` is asked for; raises UsageError for what it cannot be asked, before anything is started."""

    name: str = kind.DEFAULT_NAME
    workers: int | None = None
    """Beside the one control plane; as they are, else two, when left out."""
    supply: str = "auto"
    mirror: str | None = None
    api_port: int | None = None
    """Loopback port of the API server; as it is, else any free one, when left out."""
    addons: tuple[str, ...] = ()
    """What the overlay stands on beside the cluster itself."""

    def __post_init__(self) -> None:
        KindCluster(self.name)
        refuse_unknown(self.supply, self.mirror)


def cluster_up(wanted: Wanted, phases: Phases) -> KindCluster:
    """Return a whole cluster made from this checkout's node image, creating what is missing."""
    ensure_engine(phases)
    try:
        return _cluster_up(wanted, phases)
    except EnvironmentFault as error:
        if is_running():
            raise
        what = f"the Docker engine went away: {error.what.splitlines()[0].removesuffix(', last lines:')}"
        raise EnvironmentFault(what, remedy="run the same command again, it goes on from here") from error


def _cluster_up(wanted: Wanted, phases: Phases) -> KindCluster:
    cluster = KindCluster(wanted.name)
    supply = choose(wanted.supply, wanted.mirror)
    image = ensure_node_image(supply, wanted.addons, phases)
    build([KIND], phases)
    _ensure_kubectl(supply, image, phases)
    _ensure_tools(supply, wanted.addons, phases)
    _drop_build_caches(phases)
    with phases.phase("check cluster"):
        document = kind.wanted_configuration(cluster, wanted.workers, wanted.api_port)
        whole = kind.is_whole(cluster, image, document)
    if not whole:
        with phases.phase("create cluster", estimate_seconds=30, then="platform"):
            kind.create(cluster, image, document)
    return cluster


def _drop_build_caches(phases: Phases) -> None:
    """Free what only compiling needed, unless it is to be kept for frequent changes of the components."""
    freed = 0 if os.environ.get(KEEP_BUILD_CACHE) else drop_build_caches()
    if freed:
        phases.say(f"Dropped the build caches: {freed:,} bytes ({KEEP_BUILD_CACHE}=1 keeps them)")


def _ensure_kubectl(supply: Supply, image: str, phases: Phases) -> None:
    """Have kubectl: compiled here, or taken out of the node image."""
    program = next(each for each in components().binaries if each.name == "kubectl")
    if supply.pulls:
        _take_out(image, program.path, golang.binary(program))
    else:
        build([program], phases)


def _ensure_tools(supply: Supply, addons: Sequence[str], phases: Phases) -> None:
    """Have the programs that install add-ons: compiled here, or taken out of their upstream images."""
    wanted = [tool for tool in components().tools if tool.addon in addons]
    if not supply.pulls:
        build(wanted, phases)
        return
    for tool in wanted:
        if not golang.binary(tool).exists():
            _take_out(pull(supply, tool), tool.path, golang.binary(tool))


def _take_out(image: str, path: str, target: Path) -> None:
    """Copy a program out of an image, once."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    container, beside = docker("create", image).strip(), target.with_suffix(".part")
    try:
        docker("cp", f"{container}:{path}", str(beside))
        beside.rename(target)  # a copy that was interrupted is not taken for whole
    finally:
        docker("rm", "--volumes", container)


def platform_up(cluster: Cluster, addons: Sequence[str], phases: Phases) -> None:
    """Apply what the cluster itself needs (metrics-server), and what the overlay stands on."""
    with phases.phase("platform", estimate_seconds=5, then="system"):
        deploy.apply(cluster, platform_objects(cluster))
    if istio.ADDON in addons:
        with phases.phase("istio", estimate_seconds=15, then="system"):
            istio.install(cluster, within_seconds=ROLLOUT_SECONDS)


def platform_objects(cluster: Cluster) -> list[deploy.Object]:
    """Return the objects of what the cluster itself needs."""
    return deploy.render(cluster, deploy.MANIFESTS / "platform")


def system_objects(
    cluster: Cluster, overlay: Path, system: System, components: Sequence[Path] = ()
) -> list[deploy.Object]:
    """Return the objects of the system under test, its gateway's certificate, and the vantage that stands beside it."""
    objects = deploy.render(cluster, overlay, components=components)
    if system.gateway:
        secret, host = system.gateway.tls_secret, system.gateway.host
        objects = with_certificate(cluster, objects, system.namespace, secret, host)
    beside = deploy.render(cluster, deploy.MANIFESTS / "vantage", namespace=system.namespace)
    return follow_namespace([*objects, *beside])


def system_up(cluster: Cluster, objects: Sequence[deploy.Object], namespace: str, phases: Phases) -> None:
    """Apply the system, remove what another overlay left, and wait until all of it is available.

    What such an overlay took from the platform, as a seeded fault does, is given back.
    """
    with phases.phase("reference system", estimate_seconds=25, then="ready"):
        inventory.replace(
            cluster, objects, namespace, within_seconds=ROLLOUT_SECONDS, lent=lambda: platform_objects(cluster)
        )
