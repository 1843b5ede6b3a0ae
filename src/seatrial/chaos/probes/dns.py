"""Whether the cluster's name servers are new, and whether all are there."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.chaos.probes.began import began_at
from seatrial.chaos.probes.steady import comes_true
from seatrial.chaos.surroundings import cluster_here
from seatrial.observe.kube import observe_workload
from seatrial.observe.name_servers import NAMESPACE, observe_name_servers, servers_deployment
from seatrial.observe.records import PodView


def name_servers_are_new(everyone: bool, within_seconds: float) -> bool:
    """Tell whether a name server, or everyone, was made since the experiment began, and none is lacking."""
    cluster = cluster_here()
    began = began_at(cluster)
    return comes_true(
        lambda: are_new(observe_name_servers(cluster), began, everyone=everyone) and name_servers_are_whole(),
        within_seconds,
    )


def name_servers_are_whole(within_seconds: float = 0.0) -> bool:
    """Tell whether all name servers are available; for the steady state."""
    cluster = cluster_here()

    def are_whole() -> bool:
        found = observe_workload(cluster, NAMESPACE, servers_deployment(cluster))
        return 0 < found.replicas == found.available

    return comes_true(are_whole, within_seconds)


def are_new(servers: Sequence[PodView], began: float, *, everyone: bool) -> bool:
    """Tell whether a pod, or each of them, was made after a moment; those on their way out do not count."""
    made = [pod.created >= began for pod in servers if not pod.terminating]
    return bool(made) and (all(made) if everyone else any(made))
