"""The way in for customers that stand in the cluster themselves, beside the system and outside of any mesh."""

from __future__ import annotations

from collections.abc import Collection

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.front_door import observe_authority
from seatrial.observe.kube import observe_endpoints, observe_service
from seatrial.observe.way_in import WayIn
from seatrial.system import System


def observe_way_inside(cluster: Cluster, system: System, asked: Collection[str], *, through_gateway: bool) -> WayIn:
    """Return the way in to some services by the cluster's own addresses.

    Addresses, not names: customers from outside do not ask the cluster's DNS either. Raises EnvironmentFault where
    nobody would answer: no Service, no address of its own, no port, no ready endpoint.
    """
    door = system.gateway if through_gateway else None
    if door is None:
        services = {name: system.service(name) for name in sorted(asked)}
        return WayIn(
            {name: f"http://{_address(cluster, system, each.service, each.port)}" for name, each in services.items()}
        )
    url = f"https://{_address(cluster, system, door.service, door.https_port_name)}"
    return WayIn(dict.fromkeys(sorted(asked), url), door.host, observe_authority(cluster, system, door), door.cookies)


def _address(cluster: Cluster, system: System, service: str, port: int | str) -> str:
    """Return address and port of a Service, by the port's number or name."""
    view = observe_service(cluster, system.namespace, service)
    number = next((each.port for each in view.ports if port in (each.port, each.name)), 0) if view else 0
    lacking = (
        "is not there"
        if view is None
        else "has no address of its own"
        if view.cluster_ip in ("", "None")
        else f"has no port {port}"
        if not number
        else "has no ready endpoint"
        if not any(each.ready for each in observe_endpoints(cluster, system.namespace, service))
        else ""
    )
    if view is None or lacking:
        raise EnvironmentFault(
            f"customers cannot reach Service {system.namespace}/{service}: it {lacking}; nothing was started",
            remedy="see 'seatrial status', and name the overlay that is deployed",
        )
    return f"[{view.cluster_ip}]:{number}" if ":" in view.cluster_ip else f"{view.cluster_ip}:{number}"
