"""Whether something happened to what stands between callers and replicas."""

from __future__ import annotations

from seatrial.chaos.actions.proxies import is_stopped
from seatrial.chaos.probes.began import began_at
from seatrial.chaos.probes.steady import comes_true
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.istio import CONTROL_PLANE, NAMESPACE
from seatrial.observe.kube import observe_endpoints, observe_pods, ready_pods
from seatrial.observe.proxies import observe_kills, observe_node_proxies


def node_proxy_is_stopped(node: str) -> bool:
    """Tell whether the kernel says that kube-proxy of a node is stopped."""
    return any(is_stopped(pod) for pod in observe_node_proxies(cluster_here()) if pod.node == node)


def gateway_was_killed(within_seconds: float) -> bool:
    """Tell whether the kubelet says that a container of the gateway was killed since the experiment began."""
    cluster, system = cluster_here(), system_here()
    began = began_at(cluster)
    return comes_true(lambda: bool(observe_kills(cluster, system, began)), within_seconds)


def control_plane_is_gone(within_seconds: float) -> bool:
    """Tell whether the mesh's control plane has no ready replica, and its Service no ready endpoint."""
    cluster = cluster_here()

    def is_gone() -> bool:
        published = [each for each in observe_endpoints(cluster, NAMESPACE, CONTROL_PLANE) if each.ready]
        return not published and not ready_pods(observe_pods(cluster, NAMESPACE, CONTROL_PLANE))

    return comes_true(is_gone, within_seconds)
