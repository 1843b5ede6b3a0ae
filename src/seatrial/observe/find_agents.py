"""Which agents stand in a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.agent import POLL_SECONDS, Agent
from seatrial.observe.kube import UNREAD, pod_selector, unread

SELECTOR = "app.kubernetes.io/name=vantage"
CONTAINER = "vantage"
"""Name of the agent's container, in pods of its own and in those of others."""
LOOK_AGAIN_SECONDS = 0.5


def find_agents(cluster: Cluster, namespace: str, within_seconds: float) -> tuple[Agent, ...]:
    """Return the agent of each Ready node, by node name, waiting until each has one that is ready.

    Raises EnvironmentFault that names the nodes without one.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        nodes, pods = _look(cluster, namespace)
        missing = [node for node in nodes if node not in pods]
        if nodes and not missing:
            break
        if time.monotonic() >= deadline:
            raise EnvironmentFault(_lacking(namespace, missing, within_seconds), remedy="run 'seatrial up'")
        time.sleep(LOOK_AGAIN_SECONDS)
    return tuple(_agent(cluster, namespace, node, pods[node]) for node in nodes)


def find_agents_beside(cluster: Cluster, namespace: str, workload: str) -> tuple[Agent, ...]:
    """Return the agents that stand in the replicas of a Deployment which should get traffic, by pod name.

    Raises EnvironmentFault when there is none.
    """
    try:
        selector = pod_selector(cluster, namespace, workload)
        pods: Any = cluster.core.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=10).items
    except UNREAD as error:
        raise unread(f"replicas of Deployment {namespace}/{workload}", error) from error
    found = sorted((pod.metadata.name, pod.spec.node_name) for pod in pods if _is_usable(pod) and _has_agent(pod))
    if not found:
        raise EnvironmentFault(
            f"Deployment {namespace}/{workload}: no ready replica has a container {CONTAINER!r} beside the application",
            remedy="lay manifests/components/vantage-beside over it, or leave out vantage_beside in system.yaml",
        )
    return tuple(_agent(cluster, namespace, node, name) for name, node in found)


def _agent(cluster: Cluster, namespace: str, node: str, pod: str) -> Agent:
    return Agent(node, namespace, pod, cluster.http(timeout_seconds=2.0 * POLL_SECONDS))


def _has_agent(pod: Any) -> bool:
    return any(container.name == CONTAINER for container in pod.spec.containers)


def _lacking(namespace: str, missing: list[str], within_seconds: float) -> str:
    if not missing:
        return f"no node of the cluster is Ready within {within_seconds:g} s"
    return f"namespace {namespace}: no ready vantage on {', '.join(missing)} within {within_seconds:g} s"


def _look(cluster: Cluster, namespace: str) -> tuple[list[str], dict[str, str]]:
    try:
        nodes = cluster.core.list_node(_request_timeout=10).items
        pods = cluster.core.list_namespaced_pod(namespace, label_selector=SELECTOR, _request_timeout=10).items
    except UNREAD as error:
        raise EnvironmentFault(f"nodes and vantages of {namespace}: the API server does not tell: {error}") from error
    return ready_nodes(nodes), ready_pods(pods)


def ready_nodes(nodes: Iterable[Any]) -> list[str]:
    """Return the sorted names of the nodes that are Ready."""
    return sorted(node.metadata.name for node in nodes if _is_ready(node))


def ready_pods(pods: Iterable[Any]) -> dict[str, str]:
    """Return pod names by node, of pods that are ready and not on their way out."""
    return {pod.spec.node_name: pod.metadata.name for pod in pods if _is_usable(pod)}


def _is_usable(pod: Any) -> bool:
    return _is_ready(pod) and not pod.metadata.deletion_timestamp


def _is_ready(thing: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in thing.status.conditions or ())
