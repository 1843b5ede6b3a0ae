"""The gateway as customers meet it, against real TLS servers on loopback."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import cleandoc
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from seatrial.errors import EnvironmentFault, Failed
from seatrial.observe import front_door
from seatrial.observe.front_door import (
    VERSIONS,
    Certificate,
    FrontDoor,
    Handshake,
    Reply,
    ask,
    ask_at_once,
    ask_steadily,
    await_turns,
    customer,
    greet,
    in_turn,
    observe_certificate,
    observe_front_door,
    sign_in,
)
from seatrial.system_file import parse_system
from seatrial.system_values import Call

HOST = "shop.test"
CA = trustme.CA(organization_name="Trial")
ENDS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    """A server on loopback: where it is, and what it was asked."""

    door: FrontDoor
    asked: list[Asked] = field(default_factory=list)
    greeted: list[str | None] = field(default_factory=list)
    """Names that clients greeted it by."""
    replicas: tuple[str, ...] = ("items-a",)
    """Who answers, in turn."""
    at_once: int = 0
    """Most requests that were under way at the same time."""


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    under_way: set[int] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            under_way.add(id(self))
            server.at_once = max(server.at_once, len(under_way))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            server.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            time.sleep({"/slow": 0.1, "/stuck": 1.0}.get(self.path, 0))
            under_way.discard(id(self))
            if self.path == "/silence":
                self.close_connection = True
            else:
                self.tell()

        def tell(self) -> None:
            content = json.dumps({"token": "secret-1"} if self.path == "/login" else {"detail": "x" * 300}).encode()
            self.send_response({"/login": 200, "/items": 200, "/orders": 202, "/moved": 308}.get(self.path, 404))
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Served-By", server.replicas[len(server.asked) % len(server.replicas)])
            if self.path == "/moved":
                self.send_header("Location", f"https://{HOST}/items")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def context(certificate: trustme.LeafCert, oldest: str, protocols: list[str]) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = VERSIONS[oldest]
    if protocols:
        tls.set_alpn_protocols(protocols)
    return tls


@contextmanager
def serving(tls: ssl.SSLContext | None) -> Iterator[Server]:
    server = Server(FrontDoor(HOST, "127.0.0.1", 0, 0, CA.cert_pem.bytes().decode()))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(server)) as http:
        if tls:
            tls.sni_callback = lambda connection, name, tls: server.greeted.append(name)
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        server.door = replace(server.door, http_port=http.server_port, https_port=http.server_port)
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        http.shutdown()


def serving_tls(*names: str, oldest: str = "TLSv1.2", protocols: list[str] | None = None) -> Any:
    certificate = CA.issue_cert(*(names or (HOST,)), not_after=ENDS)
    return serving(context(certificate, oldest, ["h2", "http/1.1"] if protocols is None else protocols))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving_tls() as server:
        yield server


@pytest.fixture(autouse=True)
def forget(server: Server) -> None:
    server.asked.clear()
    server.greeted.clear()


@pytest.fixture
def nobody() -> FrontDoor:
    """Where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return FrontDoor(HOST, "127.0.0.1", port, port, CA.cert_pem.bytes().decode())


def test_a_request_asks_for_the_host_whatever_its_address(server: Server) -> None:
    began = time.time()
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/items?page=2"), headers={"X-Request-Id": "7"})
    assert began <= reply.start <= time.time()
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/items?page=2", "")
    assert (asked.headers["Host"], asked.headers["X-Request-Id"]) == (HOST, "7")
    assert server.greeted == [HOST]
    assert (reply.method, reply.url, reply.sent) == ("GET", f"https://{HOST}/items?page=2", {"X-Request-Id": "7"})


def test_an_answer_is_returned_as_data(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call.model_validate({"method": "POST", "path": "/orders", "json": {"n": 1}}))
    assert (reply.status, reply.http_version, reply.error) == (202, "HTTP/1.1", "")
    assert (reply.header("x-served-by"), reply.header("X-Served-By"), reply.header("X-None")) == (
        "items-a",
        "items-a",
        "",
    )
    assert json.loads(reply.body) == {"detail": "x" * 300}
    assert json.loads(server.asked[0].body) == {"n": 1}


def test_another_host_is_named_in_the_request_and_not_in_the_greeting(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/items"), host="other.test")
    assert (reply.status, reply.url) == (200, "https://other.test/items")
    assert server.asked[0].headers["Host"] == "other.test"
    assert server.greeted == [HOST]


@pytest.mark.parametrize(("login", "sent"), [(True, "Bearer secret-1"), (False, None)])
def test_the_token_goes_where_a_call_asks_for_it(server: Server, login: bool, sent: str | None) -> None:
    with customer(server.door) as shopper:
        ask(shopper, server.door, Call(path="/items", login=login), token="secret-1")
    assert server.asked[0].headers.get("Authorization") == sent


def test_requests_of_one_customer_share_a_connection(server: Server) -> None:
    with customer(server.door) as shopper:
        for _ in range(3):
            ask(shopper, server.door, Call(path="/items"))
    assert (len(server.asked), len(server.greeted)) == (3, 1)


def test_a_redirection_is_told_and_not_followed() -> None:
    with serving(None) as plain, customer(plain.door) as shopper:
        reply = ask(shopper, plain.door, Call(path="/moved"), scheme="http")
    assert (reply.url, reply.status, reply.header("Location")) == (f"http://{HOST}/moved", 308, f"https://{HOST}/items")
    assert [(asked.path, asked.headers["Host"]) for asked in plain.asked] == [("/moved", HOST)]


def test_what_the_machine_is_told_about_proxies_and_certificates_is_not_for_customers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with customer(server.door) as shopper:
        assert ask(shopper, server.door, Call(path="/items")).status == 200


def lost(door: FrontDoor, path: str = "/items") -> Reply:
    with customer(door) as shopper:
        return ask(shopper, door, Call(path=path))


def test_errors_are_data(server: Server, nobody: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, silent = lost(nobody), lost(server.door, "/silence")
    monkeypatch.setattr(front_door, "TIMEOUT_SECONDS", 0.5)
    late = lost(server.door, "/stuck")
    assert (refused.error, silent.error, late.error) == (
        "[Errno 111] Connection refused",
        "Server disconnected without sending a response.",
        "The read operation timed out",
    )
    assert {(reply.status, reply.headers, reply.body) for reply in (refused, silent, late)} == {(0, None, "")}
    assert refused.told() == "no answer: [Errno 111] Connection refused"
    assert refused.header("X-Served-By") == ""


def test_a_stranger_is_not_believed(server: Server) -> None:
    stranger = replace(server.door, authority=trustme.CA().cert_pem.bytes().decode())
    assert "CERTIFICATE_VERIFY_FAILED" in lost(stranger).error
    assert "CERTIFICATE_VERIFY_FAILED" in lost(replace(server.door, authority="")).error
    with serving_tls("other.test") as other:
        assert f"certificate is not valid for '{HOST}'" in lost(other.door).error
    assert (server.asked, other.asked) == ([], [])


def test_what_came_back_is_told_in_short(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/nothing"))
    assert reply.told() == 'HTTP 404: {"detail": "' + "x" * 188


def test_steady_requests_are_never_earlier_than_the_rate_says_the_first_included(server: Server) -> None:
    began = time.time()
    with customer(server.door) as shopper:
        replies = ask_steadily(shopper, server.door, Call(path="/items"), per_second=20, count=5)
    assert [reply.status for reply in replies] == [200] * 5
    assert all(reply.start - began >= number * 0.05 - 0.002 for number, reply in enumerate(replies, start=1))
    assert replies[-1].start - began < 5
    assert all(earlier.start < later.start for earlier, later in pairwise(replies))


def test_no_steady_request_is_none(server: Server) -> None:
    with customer(server.door) as shopper:
        assert ask_steadily(shopper, server.door, Call(path="/items"), per_second=20, count=0) == ()


def test_many_customers_ask_at_once_and_never_more_than_there_are() -> None:
    with serving_tls() as server, customer(server.door) as shopper:
        call = Call(path="/slow", login=True)
        replies = ask_at_once(shopper, server.door, call, count=8, customers=3, token="secret-1")
    assert [reply.status for reply in replies] == [404] * 8
    assert 1 < server.at_once <= 3
    assert {asked.headers["Authorization"] for asked in server.asked} == {"Bearer secret-1"}


SYSTEM = """\
name: shop
namespace: shop
services: [{name: auth}]
login: {service: auth, request: {method: POST, path: /login, json: {name: ada}}}
gateway: {host: shop.test, service: door, https_port_name: tls, routes: [{path: /, service: auth}]}
"""


SHOP = """\
name: shop
namespace: shop
services: [{name: items}]
gateway: {host: shop.test, routes: [{path: /items, service: items}]}
tolerances: {propagation_seconds: 0.5}
"""


@pytest.mark.parametrize(
    ("answering", "reached"),
    [(("items-a", "items-b"), True), (("items-a",), False), (("items-a", "items-a", "items-a", "items-b"), False)],
    ids=["both in turn", "one alone", "one left out by one gateway of two"],
)
def test_a_gateway_is_waited_for_until_no_replica_is_left_out(answering: tuple[str, ...], reached: bool) -> None:
    system = parse_system(SHOP, "system.yaml")
    assert system.gateway
    with serving_tls(HOST) as server:
        server.replicas = answering
        began = time.monotonic()
        assert await_turns(server.door, system, system.gateway, {"items": {"items-a", "items-b"}}) is reached
        assert reached or time.monotonic() - began >= 0.5
        assert {asked.headers["Connection"] for asked in server.asked} == {"close"}


def test_another_versions_answers_take_no_replicas_turn_away() -> None:
    system = parse_system(SHOP, "system.yaml")
    with serving_tls(HOST) as server:
        server.replicas = ("items-a", "items-b", "next-a")
        assert in_turn(server.door, system, Call(path="/items"), {"items-a", "items-b"})
        server.replicas = ("items-a", "next-a", "next-b")
        assert not in_turn(server.door, system, Call(path="/items"), {"items-a", "items-b"})
        server.replicas = ("next-a",)
        assert not in_turn(server.door, system, Call(path="/items"), {"items-a", "items-b"})


def test_a_route_that_remembers_its_customers_has_no_turns_to_wait_for() -> None:
    system = parse_system(SHOP.replace("service: items}", "service: items, affinity: {cookie: basket}}"), "system.yaml")
    assert system.gateway
    with serving_tls(HOST) as server:
        assert await_turns(server.door, system, system.gateway, {"items": {"items-a", "items-b"}})
        assert server.asked == []


def test_a_customer_signs_in_through_the_gateway(server: Server) -> None:
    with customer(server.door) as shopper:
        assert sign_in(shopper, server.door, parse_system(SYSTEM, "s")) == "secret-1"
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("POST", "/login", '{"name":"ada"}')]


def test_nobody_signs_in_where_no_log_in_is_declared(server: Server) -> None:
    with customer(server.door) as shopper:
        assert sign_in(shopper, server.door, parse_system(SYSTEM, "s").model_copy(update={"login": None})) == ""
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "expected", "observed"),
    [
        (("/login", "/nothing"), "HTTP 200 with a text in the field 'token'", 'HTTP 404: {"detail": "' + "x" * 188),
        (("/login", "/items"), "HTTP 200 with a text in the field 'token'", 'HTTP 200: {"detail": "' + "x" * 188),
        (("ada}", "ada}, status: 201"), "HTTP 201 with a text in the field 'token'", 'HTTP 200: {"token": "secret-1"}'),
        (
            ("/login", "/silence"),
            "HTTP 200 with a text in the field 'token'",
            "no answer: Server disconnected without sending a response.",
        ),
    ],
    ids=["refused", "no token", "another status", "no answer"],
)
def test_a_log_in_that_fails_is_told(server: Server, change: tuple[str, str], expected: str, observed: str) -> None:
    system = parse_system(SYSTEM.replace(*change, 1), "s")
    assert system.login
    with customer(server.door) as shopper, pytest.raises(Failed) as caught:
        sign_in(shopper, server.door, system)
    assert str(caught.value) == cleandoc(
        f"""
        auth (POST {system.login.request.path}): no log-in
          expected  {expected}
          observed  {observed}
        """
    )


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_current_version_is_agreed_on(server: Server, version: str) -> None:
    assert greet(server.door, version) == Handshake(version, HOST, version, "h2", "")
    assert server.greeted == [HOST]


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_the_refusal_of_an_old_version_is_the_servers_own(server: Server, version: str) -> None:
    greeting = greet(server.door, version)
    assert (greeting.offered, greeting.version, greeting.alpn) == (version, "", "")
    assert "alert protocol version" in greeting.error.lower().replace("_", " ")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_a_server_that_still_speaks_old_versions_is_found_out() -> None:
    with serving_tls(oldest="TLSv1") as old:
        assert [greet(old.door, version).version for version in VERSIONS] == list(VERSIONS)


@pytest.mark.parametrize(("protocols", "agreed"), [([], ""), (["http/1.1"], "http/1.1")])
def test_a_server_without_http2_agrees_on_what_it_has(protocols: list[str], agreed: str) -> None:
    with serving_tls(protocols=protocols) as plain:
        assert greet(plain.door, "TLSv1.3").alpn == agreed


def test_a_greeting_ends_where_the_certificate_is_for_another_name(server: Server) -> None:
    greeting = greet(server.door, "TLSv1.3", "other.test")
    assert (greeting.server_name, greeting.version) == ("other.test", "")
    assert "certificate is not valid for 'other.test'" in greeting.error
    assert server.greeted == ["other.test"]


def test_a_greeting_that_nobody_takes_is_data(nobody: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Handshake("TLSv1.2", HOST, "", "", "[Errno 111] Connection refused")
    assert greet(nobody, "TLSv1.2") == refused

    def end(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(socket, "create_connection", end)
    assert greet(nobody, "TLSv1.2") == replace(refused, error="ConnectionError")


def test_the_certificate_is_read_though_nobody_trusts_it(server: Server) -> None:
    shown = observe_certificate(replace(server.door, authority=""))
    assert (shown.names, shown.not_after) == ((HOST,), ENDS)
    assert "O=Trial" in shown.issuer


def test_all_names_of_a_certificate_are_read_and_the_host_is_asked_for() -> None:
    with serving_tls("other.test", "*.shop.test", "10.0.0.1") as other:
        assert observe_certificate(other.door).names == ("other.test", "*.shop.test")
        assert other.greeted == [HOST]


def test_a_certificate_without_names_has_none() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, ENDS - timedelta(days=9), ENDS)
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    leaf = trustme.LeafCert(key.private_bytes(*plain), pem, [])
    with serving(context(leaf, "TLSv1.2", [])) as nameless:
        assert observe_certificate(nameless.door) == Certificate((), ENDS, f"CN={HOST}")


def test_a_door_that_shows_no_certificate_is_told(nobody: FrontDoor) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observe_certificate(nobody)
    assert str(caught.value) == "the gateway shows no certificate for shop.test: [Errno 111] Connection refused"


def cluster(ports: dict[str, int] | None, secret: dict[str, str] | Exception | None = None) -> Any:
    """A cluster of one node with the Service ``door`` of these node ports, and this Secret."""

    def read_service(name: str, namespace: str) -> client.V1Service:
        if (name, namespace) != ("door", "shop") or ports is None:
            raise ApiException(status=404, reason="Not Found")
        listed = [{"name": name, "port": 1, "nodePort": port or None} for name, port in ports.items()]
        return client.V1Service.model_validate({"metadata": {"name": name}, "spec": {"ports": listed}})

    def read_secret(name: str, namespace: str) -> Any:
        assert (name, namespace) == ("gateway-tls", "shop")
        if isinstance(secret, Exception):
            raise secret
        return SimpleNamespace(data=secret)

    addresses = [{"type": "Hostname", "address": "worker"}, {"type": "InternalIP", "address": "172.18.0.2"}]
    node = client.V1Node.model_validate({"metadata": {"name": "worker"}, "status": {"addresses": addresses}})
    core = SimpleNamespace(
        list_node=lambda **_: SimpleNamespace(items=[node]),
        read_namespaced_service=read_service,
        read_namespaced_secret=read_secret,
    )
    return SimpleNamespace(core=core)


def observed(cluster: Any) -> FrontDoor:
    system = parse_system(SYSTEM, "s")
    assert system.gateway
    return observe_front_door(cluster, system, system.gateway)


BOTH = {"http": 30080, "tls": 30443}


def test_the_door_is_at_the_node_ports_of_its_service() -> None:
    pem = CA.cert_pem.bytes()
    door = observed(cluster(BOTH, {"ca.crt": base64.b64encode(pem).decode()}))
    assert door == FrontDoor(HOST, "172.18.0.2", 30080, 30443, pem.decode())
    assert door.url == "https://172.18.0.2:30443"


@pytest.mark.parametrize("secret", [None, {}, {"tls.crt": "eA=="}])
def test_a_secret_without_an_authority_leaves_trust_to_the_machine(secret: dict[str, str] | None) -> None:
    door = observed(cluster(BOTH, secret))
    assert door.authority == ""
    assert door.trust().verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("ports", "lacks"),
    [
        (None, "is not there"),
        ({}, "has no node port named http"),
        ({"http": 30080}, "has no node port named tls"),
        ({"http": 0, "tls": 30443}, "has no node port named http"),
        ({"http": 30080, "https": 30443}, "has no node port named tls"),
    ],
    ids=["no Service", "no ports", "one port", "no node port", "another name"],
)
def test_a_door_that_customers_cannot_reach_is_told_with_what_it_lacks(
    ports: dict[str, int] | None, lacks: str
) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observed(cluster(ports))
    assert str(caught.value) == (
        f"customers cannot reach the gateway: Service shop/door {lacks}; "
        "deploy an overlay with a gateway, and name its ports in system.yaml"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ApiException(status=404, reason="Not Found"), "404 Not Found"),
        (
            MaxRetryError(None, "/api", NewConnectionError(SimpleNamespace(host="127.0.0.1"), "refused")),  # type: ignore[arg-type]
            "",
        ),
    ],
    ids=["missing", "no API server"],
)
def test_a_secret_that_cannot_be_read_is_told_in_one_line(error: Exception, told: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observed(cluster(BOTH, error))
    assert str(caught.value).startswith(f"Secret shop/gateway-tls cannot be read: {told}")
    assert "\n" not in str(caught.value)
