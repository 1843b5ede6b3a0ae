"""What runs: nodes, workloads, endpoints per service, as rows for a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import KindCluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_endpoints
from seatrial.system import System

Block = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def observe_status(cluster: KindCluster, system: System) -> Iterator[Block]:
    """Yield (title, columns, rows) for nodes, workloads and endpoints.

    Raises EnvironmentFault when there is no such cluster, or it does not answer.
    """
    if cluster.recorded() is None:
        raise EnvironmentFault(f"no cluster named {cluster.name} was created here", remedy="run 'seatrial up'")
    try:
        yield from _blocks(cluster.connect(), system)
    except (ApiException, HTTPError) as error:
        why = getattr(error, "reason", error)
        raise EnvironmentFault(f"cluster {cluster.name} does not answer: {why}", remedy="run 'seatrial up'") from error


def _blocks(connection: Cluster, system: System) -> Iterator[Block]:
    nodes = connection.core.list_node().items
    yield "Nodes", ("node", "ready", "version", "address"), [_node_row(node) for node in nodes]
    workloads = connection.apps.list_namespaced_deployment(system.namespace).items
    yield "Workloads", ("deployment", "ready", "image"), [_workload_row(item) for item in workloads]
    rows: list[tuple[str, ...]] = []
    for service in system.services:
        for endpoint in observe_endpoints(connection, system.namespace, service.service):
            state = "ready" if endpoint.ready else "not ready"
            rows.append((service.service, endpoint.address, state, endpoint.pod, endpoint.node))
    yield "Endpoints", ("service", "address", "state", "pod", "node"), rows


def _node_row(node: Any) -> tuple[str, ...]:
    ready = next((item.status for item in node.status.conditions if item.type == "Ready"), "Unknown")
    address = next((item.address for item in node.status.addresses if item.type == "InternalIP"), "")
    return node.metadata.name, ready, node.status.node_info.kubelet_version, address


def _workload_row(item: Any) -> tuple[str, ...]:
    ready = f"{item.status.ready_replicas or 0}/{item.spec.replicas}"
    return item.metadata.name, ready, item.spec.template.spec.containers[0].image
