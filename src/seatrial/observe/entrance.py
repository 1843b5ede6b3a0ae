"""How customers come in from outside the cluster."""

from __future__ import annotations

from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_service
from seatrial.system import System


def observe_entrances(cluster: Cluster, system: System) -> dict[str, str]:
    """Return service to its address from outside, by node port, of each service that the journey uses.

    Raises EnvironmentFault when a service of the journey has none.
    """
    nodes: Any = cluster.core.list_node().items
    addresses = (address for item in nodes for address in item.status.addresses)
    node = next(address.address for address in addresses if address.type == "InternalIP")
    names = {step.service for step in system.journey} | ({system.login.service} if system.login else set())
    return {name: f"http://{node}:{_node_port(cluster, system, name)}" for name in sorted(names)}


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
