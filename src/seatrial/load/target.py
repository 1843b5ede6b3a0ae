"""Whom the load is for: a cluster, the system in it, and the way in. The addresses are those that its cluster tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seatrial.capabilities import lacking, load_capabilities
from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import overlay_folder
from seatrial.cluster.guard import require_owned
from seatrial.cluster.kind import KindCluster, current_kubeconfig, kubectl
from seatrial.cluster.load_image import ensure_load_image, load_into_nodes
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.load.demand import Demand, Journey
from seatrial.load.in_cluster import ClusterLoad
from seatrial.load.runner import Load
from seatrial.load.session import Customers
from seatrial.observe.answering import require_answers
from seatrial.observe.way_in import observe_way_in
from seatrial.observe.way_inside import observe_way_inside
from seatrial.progress import Phases
from seatrial.system import System

GRACE_SECONDS = 60.0
"""After which a local load ends by itself when the command that owns it is gone."""


@dataclass(frozen=True)
class Target:
    """A cluster that may be put under load."""

    cluster: Cluster
    name: str
    """As the results call it."""
    is_ours: bool
    """A kind cluster that was created here: images can be put into its nodes."""


@dataclass(frozen=True)
class Order:
    """All that was asked for, and found to be good."""

    system: System
    system_file: Path
    demand: Demand
    journey: Journey
    through_gateway: bool
    image: str = ""
    """Of the workers; empty: made here."""

    @property
    def asked(self) -> frozenset[str]:
        """Return the services that the journey asks."""
        steps = [step for step in self.system.journey if step.name in self.journey]
        log_in = {self.system.login.service} if self.system.login else set()
        return frozenset({step.service for step in steps} | log_in)


def find_target(name: str, context: str | None, cluster: str) -> Target:
    """Return the cluster that is meant; raises GuardRefusal unless it was created here, or opted in by its context."""
    if cluster not in ("kind", "current"):
        raise UsageError(f"--cluster {cluster}: no such cluster", remedy="give kind or current")
    if context or cluster == "current":
        option = f"--context {context}" if context else "--cluster current"
        connection = Cluster(current_kubeconfig(option), kubectl(), context)
        target = Target(connection, f"context {connection.context_name}", False)
    else:
        kind = KindCluster(name)
        if kind.recorded() is None:
            raise EnvironmentFault(f"no cluster named {name} was created here", remedy="run 'seatrial up'")
        target = Target(kind.connect(), f"kind {name}", True)
    require_owned(target.cluster)
    return target


def goes_through_gateway(system: System, overlay: str, asked: bool | None) -> bool:
    """Decide the way in: as asked, else through the gateway where the overlay has one.

    Raises UsageError for a way that the overlay does not have.
    """
    folder = overlay_folder(overlay)
    promised = load_capabilities(folder)
    has_gateway = promised.get("gateway") is True and system.gateway is not None
    if asked is False and promised.get("mesh") is True:
        raise UsageError(
            f"--by-service: the services of overlay {folder.name} speak mutual TLS only", remedy="leave it out"
        )
    if asked and not has_gateway:
        why = lacking(["gateway"], promised, folder.name) or f"{system.name} declares no gateway"
        raise UsageError(f"--through-gateway: {why}", remedy="leave it out")
    return has_gateway if asked is None else asked


def customers_for(order: Order, target: Target, folder: Path, phases: Phases) -> Customers:
    """Return customers that are ready to begin: here, or in the cluster when workers are asked for.

    Raises EnvironmentFault when nobody would answer them, UsageError when a cluster of others lacks the workers' image.
    """
    if order.demand.workers:
        return _in_cluster(order, target, folder, phases)
    way = observe_way_in(target.cluster, order.system, through_gateway=order.through_gateway)
    urls = {name: url for name, url in way.urls.items() if name in order.asked}
    require_answers(urls)
    return Load(
        order.system_file,
        urls,
        users=order.demand.users,
        folder=folder,
        host=way.host,
        authority=way.authority,
        journey=order.journey,
        longest_seconds=order.demand.seconds + GRACE_SECONDS,
    )


def _in_cluster(order: Order, target: Target, folder: Path, phases: Phases) -> ClusterLoad:
    if not (target.is_ours or order.image):
        raise UsageError(
            f"--workers on the cluster of {target.name}: its nodes get images from a registry only",
            remedy="push what 'python -m seatrial.cluster.load_image' makes, and give its name there as --image",
        )
    way = observe_way_inside(target.cluster, order.system, order.asked, through_gateway=order.through_gateway)
    image = order.image
    if not image:
        image = ensure_load_image(phases)
        load_into_nodes(target.cluster, image, phases)
    return ClusterLoad(
        target.cluster,
        order.system,
        order.system_file,
        way,
        order.demand,
        image=image,
        folder=folder,
        journey=order.journey,
    )
