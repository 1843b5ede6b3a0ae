"""Nodes that are taken out of service, or lost, with all that runs on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits, undo
from seatrial.chaos.actions.finding import Target, hit, replicas_of, worker
from seatrial.chaos.faults import delete_exactly
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster import drain, node_faults
from seatrial.cluster.client import Cluster
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods, ready_pods
from seatrial.observe.records import PodView
from seatrial.system import System


def drain_node(node: str, within_seconds: float) -> list[Target]:
    """Cordon a worker and evict the pods of the system's namespace from it, as their PodDisruptionBudgets allow.

    Pods of other namespaces stay: on a shared cluster they are somebody else's. So do those of DaemonSets.
    """
    cluster, system = cluster_here(), system_here()
    _cordon(cluster, system, node)
    present = partial(drain.observe_evictable, cluster, system.namespace, node)
    pods = present()
    if all(pod.terminating for pod in pods):
        raise ActivityFailed(f"no pod of {system.namespace} runs on node {node} that a drain would move")

    def evict(pod: PodView) -> drain.Fate:
        limits.permit(cluster, system, limits.Harm(pods=(pod,)))
        return drain.evict(cluster, pod)

    evicted = drain.evict_all(pods, evict, present, within_seconds=within_seconds)
    return [hit(each.pod, each.at, refusals=each.refusals) for each in evicted]


def cordon_node(node: str) -> list[Target]:
    """Let no new pod come to a worker; raises ActivityFailed when somebody cordoned it before."""
    return _cordon(cluster_here(), system_here(), node)


def uncordon_node(node: str) -> bool:
    """Take back our cordon of a node, and nobody else's."""
    drain.uncordon(cluster_here(), node)
    return True


def delete_one_of_each(node: str) -> list[Target]:
    """Delete one replica of each service that stands on a worker, gracefully, all at the same time."""
    cluster, system = cluster_here(), system_here()
    worker(cluster, node)
    found = tuple(
        on_node[0]
        for each in system.services
        if (on_node := _on(node, ready_pods(observe_pods(cluster, system.namespace, each.workload))))
    )
    if not found:
        raise ActivityFailed(f"no ready replica of {system.name} stands on node {node}")
    limits.permit(cluster, system, limits.Harm(pods=found))
    return at_once(lambda pod: hit(pod, delete_exactly(cluster.another(), pod)), found)


def pause_node(node: str) -> list[Target]:
    """Freeze every process of a worker, as a machine that hangs."""
    return _lose(node, "unpause", "", f"let {node} go on", node_faults.pause)


def unpause_node(node: str) -> bool:
    """Let a node go on."""
    node_faults.unpause(node)
    return True


def restart_node(node: str) -> list[Target]:
    """Stop a worker and start it again; returns when it has started, not when it is ready."""
    return _lose(node, "start", "", f"start {node}", node_faults.restart)


def start_node(node: str) -> bool:
    """Start a node that is stopped."""
    node_faults.start(node)
    return True


def disconnect_node(node: str) -> list[Target]:
    """Drop every packet between a worker and the rest of the world."""
    return _lose(node, "uncover", node_faults.COMMENT, f"connect {node} again", node_faults.cut_off)


def connect_node(node: str) -> bool:
    """Let a node's packets pass again."""
    node_faults.reconnect(node)
    return True


def stop_kubelet(node: str) -> list[Target]:
    """Stop the kubelet of a worker: its pods run on, and nobody speaks for them."""
    return _lose(node, "start-kubelet", "", f"start the kubelet of {node}", node_faults.stop_kubelet)


def start_kubelet(node: str) -> bool:
    """Start the kubelet of a node."""
    node_faults.start_kubelet(node)
    return True


def _cordon(cluster: Cluster, system: System, node: str) -> list[Target]:
    if worker(cluster, node).unschedulable:
        raise ActivityFailed(f"node {node} is cordoned already: uncordon it first, or name another")
    limits.permit(cluster, system, limits.Harm(nodes=(node,)))
    path, merge = f"/api/v1/nodes/{node}", "application/merge-patch+json"
    undo.record(undo.ApiUndo("PATCH", path, drain.UNCORDON, merge, f"uncordon {node}"))
    at = time.time()
    drain.cordon(cluster, node)
    return [{"node": node, "at": at}]


def _lose(node: str, verb: str, argument: str, note: str, act: Callable[[str], None]) -> list[Target]:
    """Do something to a worker and to all replicas on it, having noted the verb that takes it back."""
    cluster, system = cluster_here(), system_here()
    if not worker(cluster, node).ready:
        raise ActivityFailed(f"node {node} is not ready, so that nothing would show what became of it")
    suffering = _on(node, ready_pods(replicas_of(cluster, system)))
    limits.permit(cluster, system, limits.Harm(pods=suffering, nodes=(node,)))
    undo.record(undo.NodeUndo(node, verb, argument, note))
    at = time.time()
    act(node)
    return [{"node": node, "at": at}, *(hit(pod, at) for pod in suffering)]


def _on(node: str, pods: Iterable[PodView]) -> tuple[PodView, ...]:
    return tuple(pod for pod in pods if pod.node == node)
