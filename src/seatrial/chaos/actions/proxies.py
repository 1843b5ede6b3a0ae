"""Actions on what stands between callers and replicas: a node's proxy, the gateway, the mesh's control plane."""

from __future__ import annotations

import re
import time
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.shrinking import regrow, shrink
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.undo import NodeUndo, record
from seatrial.cluster.istio import CONTROL_PLANE, NAMESPACE
from seatrial.cluster.nodes import process_states, signal_container
from seatrial.observe.kube import observe_pods, observe_workload, ready_pods
from seatrial.observe.proxies import observe_gateways, observe_node_proxies
from seatrial.observe.records import PodView
from seatrial.waiting import eventually

Target = dict[str, Any]


def stop_node_proxy(node: str) -> list[Target]:
    """Stop the process of kube-proxy on a node: the rules that it has written stay, and no change is written."""
    cluster, system = cluster_here(), system_here()
    proxies = {pod.node: pod for pod in observe_node_proxies(cluster)}
    proxy = proxies.get(node)
    if proxy is None:
        there = ", ".join(sorted(proxies)) or "none"
        raise ActivityFailed(f"no kube-proxy runs on node {node!r} (SEATRIAL_NODE); it runs on: {there}")
    permit(cluster, system, Harm(nodes=(node,)))
    record(NodeUndo(node, "continue", proxy.container_id, f"kube-proxy on {node} is stopped"))
    at = time.time()
    signal_container(node, proxy.container_id, "SIGSTOP")
    return [_target(proxy, at)]


def continue_node_proxies() -> list[Target]:
    """Continue every kube-proxy that is stopped; for rollbacks, may be repeated at will."""
    stopped = [pod for pod in observe_node_proxies(cluster_here()) if is_stopped(pod)]
    for pod in stopped:
        signal_container(pod.node, pod.container_id, "SIGCONT")
    return [_target(pod, time.time()) for pod in stopped]


def is_stopped(pod: PodView) -> bool:
    """Tell whether the kernel says that a process of the pod's container is stopped."""
    return bool(pod.container_id) and "T" in process_states(pod.node, pod.container_id)


def crash_gateway(targets: str = "") -> list[Target]:
    """Kill the processes of one replica of the gateway from its node: the first by name that matches."""
    cluster, system = cluster_here(), system_here()
    gateways = ready_pods(observe_gateways(cluster, system))
    victim = next((pod for pod in gateways if re.search(targets, pod.name)), None)
    if victim is None:
        there = ", ".join(pod.name for pod in gateways) or "none"
        raise ActivityFailed(f"no ready replica of the gateway matches {targets!r}; there are: {there}")
    permit(cluster, system, Harm(pods=(victim,)))
    at = time.time()
    signal_container(victim.node, victim.container_id, "SIGKILL")
    return [_target(victim, at)]


def stop_control_plane() -> list[Target]:
    """Take all replicas from the mesh's control plane."""
    cluster, system = cluster_here(), system_here()
    pods = ready_pods(observe_pods(cluster, NAMESPACE, CONTROL_PLANE))
    if not pods:
        raise ActivityFailed(f"Deployment {NAMESPACE}/{CONTROL_PLANE} has no ready replica")
    permit(cluster, system, Harm(pods=pods))
    return [shrink(cluster, NAMESPACE, CONTROL_PLANE, 0)]


def start_control_plane(within_seconds: float) -> list[Target]:
    """Give the mesh's control plane its replicas back and wait for them; for rollbacks, may be repeated at will.

    Nobody's replica can start before: the webhook that puts sidecars into pods is the control plane's. Raises Failed
    when it is not there within the bound.
    """
    cluster = cluster_here()
    done = regrow(cluster, NAMESPACE, CONTROL_PLANE)
    if done is None:
        return []
    eventually(
        lambda: observe_workload(cluster, NAMESPACE, CONTROL_PLANE).available,
        until=lambda available: available >= done["replicas"],
        within_seconds=within_seconds,
        what=f"Deployment {NAMESPACE}/{CONTROL_PLANE}: available replicas",
        expected=f"{done['replicas']}",
    )
    return [done]


def _target(pod: PodView, at: float) -> Target:
    return {"pod": pod.name, "uid": pod.uid, "node": pod.node, "container": pod.container_id, "at": at}
