"""How customers come in from outside the cluster."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
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
    try:
        nodes: Any = cluster.core.list_node().items
    except UNREAD as error:
        raise unread("the addresses of the nodes", error) from error
    addresses = (address for item in nodes for address in item.status.addresses)
    return next(str(address.address) for address in addresses if address.type == "InternalIP")


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
