"""What stands between callers and replicas: the nodes' proxies, and the gateway's replicas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import UNREAD, application_container, observe_endpoints, pod_view, unread
from seatrial.observe.records import PodView
from seatrial.system import System

CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
"""Label of the nodes of the control plane (kubernetes.io/docs/reference/labels-annotations-taints)."""
NODE_PROXIES = ("kube-system", "k8s-app=kube-proxy")
"""Namespace and label of kube-proxy, as kubeadm deploys it."""


def observe_node_proxies(cluster: Cluster) -> tuple[PodView, ...]:
    """Return kube-proxy's pods, by name; raises EnvironmentFault when nobody tells."""
    return _views(_listed(cluster, *NODE_PROXIES))


def observe_workers(cluster: Cluster) -> tuple[str, ...]:
    """Return the nodes that have a kube-proxy and are no part of the control plane, by name."""
    try:
        nodes: Any = cluster.core.list_node(label_selector=f"!{CONTROL_PLANE_LABEL}").items
    except UNREAD as error:
        raise unread("the nodes of the cluster", error) from error
    proxied = {pod.node for pod in observe_node_proxies(cluster)}
    return tuple(sorted(node.metadata.name for node in nodes if node.metadata.name in proxied))


def observe_gateways(cluster: Cluster, system: System) -> tuple[PodView, ...]:
    """Return the gateway's replicas, by name: the pods that the endpoints of its declared Service name.

    Raises EnvironmentFault when the system declares no gateway, or nobody tells.
    """
    return _views(_gateway_pods(cluster, system))


def observe_kills(cluster: Cluster, system: System, since: float) -> tuple[str, ...]:
    """Return the gateway's replicas whose container was killed by a signal after a moment, and was started again."""
    return tuple(each.metadata.name for each in _gateway_pods(cluster, system) if killed_at(each) >= since)


def killed_at(pod: Any) -> float:
    """Return when the container before the present one of a pod's application was killed, 0 when it was not.

    A process that a signal ends has no exit code below 128 (waitpid(2) and the convention of shells).
    """
    name = application_container(pod)
    status = next((each for each in pod.status.container_statuses or () if each.name == name), None)
    last = status.last_state.terminated if status and status.last_state else None
    if last is None or last.exit_code < 128 or not last.finished_at:
        return 0.0
    return float(last.finished_at.timestamp())


def _gateway_pods(cluster: Cluster, system: System) -> list[Any]:
    if system.gateway is None:
        raise EnvironmentFault(f"{system.name} declares no gateway", remedy="declare 'gateway' in system.yaml")
    names = {each.pod for each in observe_endpoints(cluster, system.namespace, system.gateway.service)}
    return [pod for pod in _listed(cluster, system.namespace) if pod.metadata.name in names]


def _listed(cluster: Cluster, namespace: str, selector: str = "") -> list[Any]:
    try:
        return list(cluster.core.list_namespaced_pod(namespace, label_selector=selector).items)
    except UNREAD as error:
        raise unread(f"the pods of {namespace} {selector}".rstrip(), error) from error


def _views(pods: Iterable[Any]) -> tuple[PodView, ...]:
    return tuple(sorted(map(pod_view, pods), key=lambda pod: pod.name))
