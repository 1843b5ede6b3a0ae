"""What proves that a node suffered."""

from __future__ import annotations

from seatrial.chaos.actions.finding import replicas_of
from seatrial.chaos.probes.began import began_at
from seatrial.chaos.probes.replicas import all_ended, endings_of_all
from seatrial.chaos.probes.steady import comes_true
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster import node_faults
from seatrial.cluster.client import Cluster
from seatrial.cluster.drain import observe_evictable, observe_node
from seatrial.observe.records import PodView
from seatrial.system import System


def node_is_cordoned(node: str) -> bool:
    """Tell whether a node takes no new pods, by our cordon."""
    found = observe_node(cluster_here(), node)
    return found.unschedulable and found.ours


def node_is_empty(node: str) -> bool:
    """Tell whether a node holds no pod of the system's namespace that a drain would move."""
    return not observe_evictable(cluster_here(), system_here().namespace, node)


def replacements_are_elsewhere(node: str, at_least: int, within_seconds: float) -> bool:
    """Tell whether so many pods were created since the experiment began, all of them ready, and none on this node."""
    cluster, system = cluster_here(), system_here()
    since = began_at(cluster)
    return comes_true(lambda: are_elsewhere(_younger(cluster, system, since), node, at_least), within_seconds)


def are_elsewhere(young: tuple[PodView, ...], node: str, at_least: int) -> bool:
    """Tell whether these are enough, ready, and on other nodes."""
    return len(young) >= at_least and all(pod.ready and pod.node != node for pod in young)


def node_is_lost(node: str, within_seconds: float) -> bool:
    """Tell whether the control plane holds a node for lost: its Ready condition is not true."""
    cluster = cluster_here()
    return comes_true(lambda: not observe_node(cluster, node).ready, within_seconds)


def node_is_ready(node: str, within_seconds: float) -> bool:
    """Tell whether the control plane holds a node for ready."""
    cluster = cluster_here()
    return comes_true(lambda: observe_node(cluster, node).ready, within_seconds)


def node_was_started(node: str) -> bool:
    """Tell whether the engine started a node since the experiment began."""
    return node_faults.started_at(node) >= began_at(cluster_here())


def containers_there_ended(node: str, within_seconds: float) -> bool:
    """Tell whether the containers of all replicas on a node ended since the experiment began."""
    cluster, system = cluster_here(), system_here()
    since = began_at(cluster)

    def look() -> bool:
        pods = [pod for pod in replicas_of(cluster, system) if pod.node == node and pod.created < since]
        return all_ended(pods, endings_of_all(cluster, system), since, "")

    return comes_true(look, within_seconds)


def packets_were_dropped(node: str) -> bool:
    """Tell whether our rules on a node have dropped packets."""
    return node_faults.dropped_packets(node) > 0


def node_is_paused(node: str) -> bool:
    """Tell whether the engine holds a node frozen."""
    return node_faults.state(node) == "paused"


def _younger(cluster: Cluster, system: System, since: float) -> tuple[PodView, ...]:
    return tuple(pod for pod in replicas_of(cluster, system) if pod.created >= since)
