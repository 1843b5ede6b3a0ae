"""The gateway as customers meet it: from outside the cluster, by its name and with its certificate checked."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography import x509

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.calls import token_of
from seatrial.observe.entrance import node_address
from seatrial.observe.kube import UNREAD, observe_service, unread
from seatrial.system import System
from seatrial.system_gateway import Gateway
from seatrial.system_values import Call

TIMEOUT_SECONDS = 10.0
LOOK_SIZE = 12
"""Requests for each replica when it is asked whether the gateway reaches all of them."""
NEARLY = 0.75
"""Of its share, that a replica gets at least when nobody leaves it out: turns are one off for each who takes them."""
VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
WEAK = "ALL:@SECLEVEL=0"
"""Ciphers that a client must offer for the old versions to be spoken at all: a refusal is then the gateway's own."""


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


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the gateway; ``error`` is empty when there is one."""

    method: str
    url: str
    sent: Mapping[str, str]
    """Headers that the customer sent, by the names that were used."""
    status: int = 0
    headers: Mapping[str, str] | None = None
    """By lower-case name."""
    body: str = ""
    http_version: str = ""
    error: str = ""
    start: float = 0.0
    """Unix seconds."""
    seconds: float = 0.0
    """Until the answer, or the error."""

    def header(self, name: str) -> str:
        return (self.headers or {}).get(name.lower(), "")

    def told(self) -> str:
        """Say what came back, for a reader."""
        return f"no answer: {self.error}" if self.error else f"HTTP {self.status}: {' '.join(self.body.split())[:200]}"


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a greeting ended that offers one version of TLS and one server name."""

    offered: str
    server_name: str
    version: str
    """Version that was agreed on; empty when the gateway refused."""
    alpn: str
    error: str
    """Why the client was not satisfied, or what the gateway refused; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that the gateway shows."""

    names: tuple[str, ...]
    not_after: datetime
    issuer: str


def trust(authority: str) -> ssl.SSLContext:
    """Return a client's context that accepts these certificates (PEM), or those of this machine when there is none."""
    context = ssl.create_default_context(cadata=authority or None)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def observe_front_door(cluster: Cluster, system: System, gateway: Gateway) -> FrontDoor:
    """Return where the gateway stands; raises EnvironmentFault when its Service, a port or its Secret is missing."""
    view = observe_service(cluster, system.namespace, gateway.service)
    ports = {port.name: port.node_port for port in view.ports} if view else {}
    for name in (gateway.http_port_name, gateway.https_port_name):
        if not ports.get(name):
            raise EnvironmentFault(
                f"customers cannot reach the gateway: Service {system.namespace}/{gateway.service} "
                + (f"has no node port named {name}" if view else "is not there"),
                remedy="deploy an overlay with a gateway, and name its ports in system.yaml",
            )
    try:
        secret: Any = cluster.core.read_namespaced_secret(gateway.tls_secret, system.namespace)
    except UNREAD as error:
        raise unread(f"Secret {system.namespace}/{gateway.tls_secret}", error) from error
    authority = base64.b64decode((secret.data or {}).get("ca.crt", "")).decode()
    http, https = ports[gateway.http_port_name], ports[gateway.https_port_name]
    return FrontDoor(gateway.host, node_address(cluster), http, https, authority)


@contextmanager
def customer(door: FrontDoor, *, http2: bool = False) -> Iterator[httpx.Client]:
    """Yield a client that keeps its connections, for :func:`ask`."""
    with httpx.Client(verify=door.trust(), http2=http2, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        yield client


def ask(
    client: httpx.Client,
    door: FrontDoor,
    call: Call,
    *,
    host: str = "",
    scheme: str = "https",
    headers: Mapping[str, str] | None = None,
    token: str = "",
) -> Reply:
    """Send one request to the gateway and return its answer; what goes wrong on the way is in ``error``.

    The greeting asks for the declared host whatever ``host`` the request names. The token goes with a call that asks
    for a log-in.
    """
    port = door.https_port if scheme == "https" else door.http_port
    url, start = f"{scheme}://{host or door.host}{call.path}", time.time()
    sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if call.login and token else {})}
    try:
        answer = client.request(
            call.method,
            f"{scheme}://{door.address}:{port}{call.path}",
            headers={**sent, "Host": host or door.host},
            json=call.json_body,
            extensions={"sni_hostname": door.host},
        )
    except httpx.HTTPError as error:
        told = str(error) or type(error).__name__
        return Reply(call.method, url, sent, error=told, start=start, seconds=time.time() - start)
    return Reply(
        call.method,
        url,
        sent,
        answer.status_code,
        {name.lower(): value for name, value in answer.headers.items()},
        answer.text,
        answer.http_version,
        start=start,
        seconds=time.time() - start,
    )


def ask_steadily(
    client: httpx.Client, door: FrontDoor, call: Call, *, per_second: float, count: int
) -> tuple[Reply, ...]:
    """Send so many requests, none earlier than the rate says: the first, too, waits for its turn."""
    began, replies = time.monotonic(), []
    for number in range(1, count + 1):
        threading.Event().wait(max(0.0, began + number / per_second - time.monotonic()))
        replies.append(ask(client, door, call))
    return tuple(replies)


def ask_at_once(
    client: httpx.Client, door: FrontDoor, call: Call, *, count: int, customers: int, token: str = ""
) -> tuple[Reply, ...]:
    """Send so many requests, at most as many at the same time as there are customers."""
    with ThreadPoolExecutor(max_workers=customers) as pool:
        return tuple(pool.map(lambda _: ask(client, door, call, token=token), range(count)))


def await_turns(door: FrontDoor, system: System, gateway: Gateway, replicas: Mapping[str, Collection[str]]) -> bool:
    """Wait until the gateway reaches every replica by every route that is read; false when the bound is over first.

    A gateway that watches answers remembers a failure until the replica has answered well again: what an earlier
    scenario did must not be taken for what the next one sees. ``replicas`` maps service to pod names. This is no
    judgement: whoever goes on without it will measure, and judge, what is there.
    """
    plain = (route for route in gateway.routes if not route.affinity)
    calls = {route.service: call for route in plain if (call := route.call).method == "GET"}
    deadline = time.monotonic() + system.tolerances.propagation_seconds
    while calls and time.monotonic() < deadline:
        calls = {name: call for name, call in calls.items() if not in_turn(door, system, call, replicas[name])}
    return not calls


def in_turn(door: FrontDoor, system: System, call: Call, replicas: Collection[str]) -> bool:
    """Tell whether every replica gets nearly its share of a few requests of new customers over fresh connections.

    They meet every replica of the gateway; one that leaves a replica out takes half of its share away. Another version
    of the service may answer, too: the shares are of what these replicas answer.
    """
    with customer(door) as client:
        token, close = sign_in(client, door, system) if call.login else "", {"Connection": "close"}
        replies = []
        for _ in range(LOOK_SIZE * len(replicas)):
            client.cookies.clear()  # nobody is known from the last time
            replies.append(ask(client, door, call, headers=close, token=token))
    answers = Counter(reply.header(system.identity.header) for reply in replies)
    share = sum(answers[name] for name in replicas) / max(len(replicas), 1)
    return share > 0 and all(answers[name] >= NEARLY * share for name in replicas)


def sign_in(client: httpx.Client, door: FrontDoor, system: System) -> str:
    """Return a token got through the gateway, empty when the system declares no log-in; raises Failed when it fails."""
    if system.login is None:
        return ""
    reply = ask(client, door, system.login.request)
    return token_of(reply.body if reply.status == system.login.request.status else "", system.login, reply.told())


def greet(door: FrontDoor, offered: str, server_name: str = "") -> Handshake:
    """Offer one version of TLS and return how the gateway took it."""
    context = door.trust()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # offering what is deprecated is the point
        context.set_ciphers(WEAK)
        context.minimum_version = context.maximum_version = VERSIONS[offered]
    name = server_name or door.host
    try:
        with (
            socket.create_connection((door.address, door.https_port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            return Handshake(offered, name, secured.version() or "", secured.selected_alpn_protocol() or "", "")
    except OSError as error:
        return Handshake(offered, name, "", "", str(error) or type(error).__name__)


def observe_certificate(door: FrontDoor) -> Certificate:
    """Return the certificate that is shown to who asks for the declared host, verified or not.

    Raises EnvironmentFault when there is no connection.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((door.address, door.https_port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=door.host) as secured,
        ):
            leaf = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    except OSError as error:
        raise EnvironmentFault(f"the gateway shows no certificate for {door.host}: {error}") from error
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        shown = ()
    return Certificate(shown, leaf.not_valid_after_utc.astimezone(UTC), leaf.issuer.rfc4514_string())
