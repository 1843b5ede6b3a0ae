"""Replicas that end, or stand still: deleted by the API server, or signalled from their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits, undo
from seatrial.chaos.actions.finding import (
    Target,
    hit,
    matching,
    replicas_of,
    targets_of,
)
from seatrial.chaos.faults import delete_exactly
from seatrial.chaos.probes.steady import comes_true, is_service_whole
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.cluster.nodes import signal_container, signal_containers
from seatrial.errors import EnvironmentFault
from seatrial.groups import groups
from seatrial.observe.flow import at_once
from seatrial.observe.records import PodView
from seatrial.system import Service, System


def crash_replicas(targets: str) -> list[Target]:
    """Kill the processes of every ready replica whose name matches, from its node, all at the same time.

    That is a crash: nothing is told beforehand. Deleting a pod, even by force, withdraws its endpoint first.
    """
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    return _signal(found, "SIGKILL")


def crash_in_turn(targets: str, within_seconds: float, services_together: int = 1) -> list[Target]:
    """Kill the processes of the matching replicas, so many services at a time: see :func:`_in_turn`."""
    return _in_turn(targets, within_seconds, services_together, _crash)


def stop_replicas(targets: str) -> list[Target]:
    """Stop the processes of every ready replica whose name matches, from its node, all at the same time: a hang."""
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    for pod in found:
        undo.record(undo.NodeUndo(pod.node, "continue", pod.container_id, f"continue {pod.name}"))
    return _signal(found, "SIGSTOP")


def continue_replicas(targets: str) -> bool:
    """Continue the processes of every replica whose name matches; what was restarted meanwhile has none to continue."""
    for pod in matching(targets, replicas_of(cluster_here(), system_here())):
        with suppress(EnvironmentFault):
            signal_container(pod.node, pod.container_id, "SIGCONT")
    return True


def delete_in_turn(targets: str, within_seconds: float, services_together: int = 1) -> list[Target]:
    """Delete the matching replicas by force, so many services at a time: see :func:`_in_turn`."""
    return _in_turn(targets, within_seconds, services_together, _delete)


def delete_replicas(targets: str) -> list[Target]:
    """Delete every matching replica by force, exactly those by their UIDs, all at the same time."""
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    return _delete(cluster, found)


def _in_turn(
    targets: str,
    within_seconds: float,
    services_together: int,
    harm: Callable[[Cluster, Sequence[PodView]], list[Target]],
) -> list[Target]:
    """Harm the matching ready replicas, so many services at a time, those of the same turn at the same moment.

    The next turn comes when all services of the one before are whole again. Where one is not within the bound, the
    others are spared: the steady state that is asked for afterwards tells what became of it.
    """
    if services_together < 1:
        raise ActivityFailed(f"services_together: {services_together!r} is not at least 1")
    cluster, system = cluster_here(), system_here()
    found = {pod.uid for pod in targets_of(cluster, system, targets)}
    hits: list[Target] = []
    for turn in groups(system.services, services_together):
        lost = [pod for pod in replicas_of(cluster, system, turn) if pod.uid in found]
        if lost:
            limits.permit(cluster, system, limits.Harm(pods=tuple(lost)))
            hits += harm(cluster, lost)
        if not _are_back(cluster, system, turn, lost, within_seconds):
            break
    return hits


def _crash(cluster: Cluster, pods: Sequence[PodView]) -> list[Target]:
    return _signal(pods, "SIGKILL")


def _delete(cluster: Cluster, pods: Sequence[PodView]) -> list[Target]:
    return at_once(lambda pod: hit(pod, delete_exactly(cluster.another(), pod, 0)), pods)


def _are_back(
    cluster: Cluster, system: System, services: Sequence[Service], lost: Iterable[PodView], within_seconds: float
) -> bool:
    """Wait until services are whole without the containers that they lost, in the same pods or in others."""
    gone = {pod.container_id for pod in lost}

    def look() -> bool:
        present = {pod.container_id for pod in replicas_of(cluster, system, services)}
        return not present & gone and all(is_service_whole(cluster, system, each) for each in services)

    return comes_true(look, within_seconds)


def _signal(pods: Sequence[PodView], name: str) -> list[Target]:
    """Signal replicas, those of one node at the same moment: one command a node leaves the cores to who is to heal."""
    by_node = {node: [pod for pod in pods if pod.node == node] for node in sorted({pod.node for pod in pods})}

    def signal(node: str) -> list[Target]:
        at = signal_containers(node, [pod.container_id for pod in by_node[node]], name)
        return [hit(pod, at, container=pod.container_id) for pod in by_node[node]]

    return list(chain.from_iterable(at_once(signal, by_node)))
