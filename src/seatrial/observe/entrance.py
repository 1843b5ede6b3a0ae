"""How customers come in from outside the cluster."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.find_agents import ready_nodes
from seatrial.observe.kube import UNREAD, observe_service, unread
from seatrial.system import System


def observe_entrances(cluster: Cluster, system: System, more: Collection[str] = ()) -> dict[str, str]:
    """Return service to its address from outside, by node port, of each that the journey uses, and of more services.

    Raises EnvironmentFault when one of these has none.
    """
    node = node_address(cluster)
    names = {step.service for step in system.journey} | set(more) | ({system.login.service} if system.login else set())
    return {name: f"http://{node}:{_node_port(cluster, system, name)}" for name in sorted(names)}


def node_address(cluster: Cluster) -> str:
    """Return the address of a node, where node ports are reached; raises EnvironmentFault when nobody tells."""
    return next(address for item in _nodes(cluster) for address in _addresses(item))


def node_addresses(cluster: Cluster) -> dict[str, str]:
    """Return node to address, of each that is Ready; raises EnvironmentFault when nobody tells, or none is Ready."""
    nodes = _nodes(cluster)
    ready, known = ready_nodes(nodes), {each.metadata.name: _addresses(each) for each in nodes}
    found = {name: known[name][0] for name in ready if known[name]}
    if not found:
        raise EnvironmentFault("no node of the cluster is Ready", remedy="run 'seatrial doctor'")
    return found


def _nodes(cluster: Cluster) -> list[Any]:
    try:
        return list(cluster.core.list_node().items)
    except UNREAD as error:
        raise unread("the addresses of the nodes", error) from error


def _addresses(node: Any) -> list[str]:
    return [str(each.address) for each in node.status.addresses if each.type == "InternalIP"]


def _node_port(cluster: Cluster, system: System, name: str) -> int:
    external = system.service(name).external
    view = observe_service(cluster, system.namespace, external) if external else None
    port = next((port.node_port for port in view.ports if port.node_port), 0) if view else 0
    if not port:
        raise EnvironmentFault(
            f"customers cannot reach {name}: there is no NodePort Service {external or '(none declared)'}",
            remedy="name it as 'external' in system.yaml, and deploy it with the overlay",
        )
    return port
