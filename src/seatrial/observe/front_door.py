"""Where the gateway stands, as customers find it from outside the cluster, and whom they trust there."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.entrance import node_addresses
from seatrial.observe.kube import UNREAD, observe_endpoints, observe_service, unread
from seatrial.observe.records import Endpoint
from seatrial.system import System
from seatrial.system_gateway import Gateway
from seatrial.tls import client_context


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Where the gateway is reached, and how it proves who it is."""

    host: str
    address: str
    http_port: int
    https_port: int
    authority: str
    """Certificate authority in PEM; empty: those that this machine trusts."""

    @property
    def url(self) -> str:
        """Return the address of the gateway, to which requests for the host are sent."""
        return f"https://{self.address}:{self.https_port}"

    def trust(self) -> ssl.SSLContext:
        """Return a client's context that accepts nothing but the declared authority."""
        return trust(self.authority)


def trust(authority: str) -> ssl.SSLContext:
    """Return a client's context that accepts these certificates (PEM), or those of this machine when there is none."""
    context = client_context(cadata=authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def observe_front_door(cluster: Cluster, system: System, gateway: Gateway) -> FrontDoor:
    """Return where the gateway stands.

    Raises EnvironmentFault when its Service, a port or its Secret is missing, or none of its replicas is ready.
    """
    view = observe_service(cluster, system.namespace, gateway.service)
    ports = {port.name: port.node_port for port in view.ports} if view else {}
    for name in (gateway.http_port_name, gateway.https_port_name):
        if not ports.get(name):
            raise EnvironmentFault(
                f"customers cannot reach the gateway: Service {system.namespace}/{gateway.service} "
                + (f"has no node port named {name}" if view else "is not there"),
                remedy="deploy an overlay with a gateway, and name its ports in system.yaml",
            )
    replicas = observe_endpoints(cluster, system.namespace, gateway.service)
    addresses = open_at(gateway, node_addresses(cluster), replicas)
    if not addresses or not any(each.ready for each in replicas):
        raise EnvironmentFault(
            f"the gateway is not ready: none of {len(replicas)} replicas behind Service "
            f"{system.namespace}/{gateway.service} is",
            remedy=f"see 'kubectl get events --namespace={system.namespace}' and the logs of its pods",
        )
    address, authority = next(iter(addresses.values())), observe_authority(cluster, system, gateway)
    http, https = ports[gateway.http_port_name], ports[gateway.https_port_name]
    return FrontDoor(gateway.host, address, http, https, authority)


def open_at(gateway: Gateway, addresses: Mapping[str, str], replicas: Iterable[Endpoint]) -> dict[str, str]:
    """Return node to address, of each node (of ``addresses``) at which the gateway lets customers in."""
    own = {each.node for each in replicas if each.ready}
    return {node: address for node, address in addresses.items() if gateway.nodes == "all" or node in own}


def observe_authority(cluster: Cluster, system: System, gateway: Gateway) -> str:
    """Return the authority of the gateway's certificate in PEM, empty when its Secret holds none.

    Raises EnvironmentFault when the Secret cannot be read.
    """
    try:
        secret: Any = cluster.core.read_namespaced_secret(gateway.tls_secret, system.namespace)
    except UNREAD as error:
        raise unread(f"Secret {system.namespace}/{gateway.tls_secret}", error) from error
    return base64.b64decode((secret.data or {}).get("ca.crt", "")).decode()
