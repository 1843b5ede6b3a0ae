"""Replicas that end, or stand still: deleted by the API server, or signalled from their nodes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress

from chaosk8s.pod.actions import terminate_pods
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
from seatrial.chaos.surroundings import CONTEXT, KUBECONFIG, cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.cluster.nodes import signal_container
from seatrial.errors import EnvironmentFault
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import PodView
from seatrial.system import Service, System


def crash_replicas(targets: str) -> list[Target]:
    """Kill the processes of every ready replica whose name matches, from its node, all at the same time.

    That is a crash: nothing is told beforehand. Deleting a pod, even by force, withdraws its endpoint first.
    """
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    return at_once(lambda pod: _signal(pod, "SIGKILL"), found)


def stop_replicas(targets: str) -> list[Target]:
    """Stop the processes of every ready replica whose name matches, from its node, all at the same time: a hang."""
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    for pod in found:
        undo.record(undo.NodeUndo(pod.node, "continue", pod.container_id, f"continue {pod.name}"))
    return at_once(lambda pod: _signal(pod, "SIGSTOP"), found)


def continue_replicas(targets: str) -> bool:
    """Continue the processes of every replica whose name matches; what was restarted meanwhile has none to continue."""
    for pod in matching(targets, replicas_of(cluster_here(), system_here())):
        with suppress(EnvironmentFault):
            _signal(pod, "SIGCONT")
    return True


def delete_in_turn(targets: str, within_seconds: float) -> list[Target]:
    """Delete the matching replicas by force, those of one service at the same time, one service after the other.

    The next service's turn comes when the one before is whole again. Where one is not within the bound, the others are
    spared: the steady state that is asked for afterwards tells what became of it.
    """
    cluster, system = cluster_here(), system_here()
    found = {pod.uid for pod in targets_of(cluster, system, targets)}
    hits: list[Target] = []
    for service in system.services:
        turn = [pod for pod in observe_pods(cluster, system.namespace, service.workload) if pod.uid in found]
        hits += _delete(cluster, system, turn)
        if not _is_back(cluster, system, service, turn, within_seconds):
            break
    return hits


def delete_replicas(targets: str) -> list[Target]:
    """Delete every matching replica by force, exactly those by their UIDs, all at the same time."""
    cluster, system = cluster_here(), system_here()
    return _delete(cluster, system, targets_of(cluster, system, targets))


def terminate_replicas(targets: str, grace_seconds: int = -1) -> list[Target]:
    """Have chaosk8s delete the matching replicas, with their own grace period when none is given.

    Leave is asked here and not by an action before it: Chaos Toolkit goes on with a method whose action failed.
    """
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    _refuse_another_cluster()
    limits.permit(cluster, system, limits.Harm(pods=found))
    exactly, at = f"^({'|'.join(re.escape(pod.name) for pod in found)})$", time.time()
    terminate_pods(name_pattern=exactly, all=True, grace_period=grace_seconds, ns=system.namespace)
    return [hit(pod, at) for pod in found]


def _refuse_another_cluster() -> None:
    """Raise ActivityFailed unless chaosk8s, which has variables of its own, acts on the cluster that was asked."""
    for ours, its in ((KUBECONFIG, "KUBECONFIG"), (CONTEXT, "KUBERNETES_CONTEXT")):
        if os.environ.get(ours) != os.environ.get(its):
            raise ActivityFailed(f"chaosk8s would act on another cluster: set {its} to the value of {ours}")


def _delete(cluster: Cluster, system: System, pods: Iterable[PodView]) -> list[Target]:
    harmed = tuple(pods)
    if harmed:
        limits.permit(cluster, system, limits.Harm(pods=harmed))
    return at_once(lambda pod: hit(pod, delete_exactly(cluster.another(), pod, 0)), harmed)


def _is_back(
    cluster: Cluster, system: System, service: Service, lost: Iterable[PodView], within_seconds: float
) -> bool:
    """Wait until a service is whole without those that it lost."""
    gone = {pod.uid for pod in lost}

    def look() -> bool:
        present = {pod.uid for pod in observe_pods(cluster, system.namespace, service.workload)}
        return not present & gone and is_service_whole(cluster, system, service)

    return comes_true(look, within_seconds)


def _signal(pod: PodView, name: str) -> Target:
    at = time.time()
    signal_container(pod.node, pod.container_id, name)
    return hit(pod, at, container=pod.container_id)
