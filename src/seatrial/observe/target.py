"""Where the requests of a run go: to a Service, to the same replicas directly, or through the gateway."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_service
from seatrial.system import Service, System
from seatrial.system_gateway import Gateway
from seatrial.system_values import Call


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and what they carry there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    server_name: str = ""
    """Who is asked, whatever the address: for TLS, and as Host; empty: the host of the URL."""
    authority: str = field(default="", repr=False)
    """Whom a server that speaks TLS must be certified by, in PEM."""


def service_target(system: System, service: Service) -> Target:
    """Return the way to a service's identity path as other services go."""
    return Target(system.url(service))


def direct_target(system: System, service: Service, call: Call | None = None, token: str = "") -> Target:
    """Return the way to the same replicas that a mesh leaves alone, where one is declared, else by the Service.

    It leads to the identity path when no call is given.
    """
    path, headers = (call.path, call.bearer(token)) if call else (service.identity_path, {})
    if not service.direct:
        return Target(system.url(service, path), headers)
    return Target(f"http://{system.host(service, service.direct)}.:{service.direct_port}{path}", headers)


def gateway_target(inner: str, gateway: Gateway, authority: str, call: Call, token: str) -> Target:
    """Return the way through the gateway, which is asked for its public name at an address inside the cluster.

    Without an authority (PEM) of its own those count that this machine trusts: an agent has none.
    """
    return Target(f"https://{inner}{call.path}", call.bearer(token), gateway.host, authority or trusted_here())


def observe_inner_address(cluster: Cluster, system: System, gateway: Gateway) -> str:
    """Return host and port at which the gateway serves inside the cluster; raises EnvironmentFault when it does not."""
    view = observe_service(cluster, system.namespace, gateway.service)
    port = next((port.port for port in view.ports if port.name == gateway.https_port_name), 0) if view else 0
    if not port:
        raise EnvironmentFault(
            f"the gateway cannot be reached from inside: Service {system.namespace}/{gateway.service} "
            + (f"has no port named {gateway.https_port_name}" if view else "is not there"),
            remedy="deploy an overlay with a gateway, and name its ports in system.yaml",
        )
    return f"{gateway.service}.{system.namespace}.svc.{system.cluster_domain}.:{port}"


def trusted_here() -> str:
    """Return the certificates that this machine trusts, in PEM."""
    known = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, known))
