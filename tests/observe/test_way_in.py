"""The frontend's calls as a server gets them: over plain HTTP at each service, and by name over TLS at the gateway."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.contract import Frontend, FrontendCall, Recorded
from seatrial.errors import EnvironmentFault, Failed
from seatrial.observe import way_in
from seatrial.observe.way_in import WayIn, frontend_client, frontend_token, observe_way_in, send
from seatrial.system import System
from seatrial.system_file import parse_system

HOST = "shop.test"
CA = trustme.CA(organization_name="Trial")
AUTHORITY = CA.cert_pem.bytes().decode()
FRONTEND = Frontend.model_validate(
    {
        "headers": ["Content-Type", "Set-Cookie", "ETag"],
        "calls": [{"name": "list", "service": "items", "path": "/items"}],
    },
    strict=False,
)
SYSTEM = """\
name: shop
namespace: shop
services:
  - {name: auth, external: auth-external}
  - {name: items, external: items-external}
login: {service: auth, request: {method: POST, path: /login, json: {name: ada}, status: 201}}
gateway: {host: shop.test, service: door, routes: [{path: /items, service: items}]}
"""


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header as UTF-8."""
        value = self.headers.get(name)
        return None if value is None else value.encode("latin-1").decode()


@dataclass
class Reply:
    """What the server answers from now on."""

    status: int = 200
    body: bytes = b'{"token": "secret"}'
    headers: list[tuple[str, str]] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.names: list[str | None] = []
        """Names that greetings asked for."""
        self.reply = Reply()

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that does not trust the certificate hangs up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
        reply = self.server.reply
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: trustme.LeafCert | None = None) -> Iterator[Server]:
    with Server() as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            context.set_alpn_protocols(["h2", "http/1.1"])
            context.sni_callback = lambda _, name, __: server.names.append(name)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def plain() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def secured() -> Iterator[Server]:
    with serving(CA.issue_cert(HOST)) as server:
        yield server


def direct(server: Server) -> WayIn:
    return WayIn(dict.fromkeys(("auth", "items"), f"http://127.0.0.1:{server.server_port}"))


def through(server: Server, authority: str = AUTHORITY, host: str = HOST) -> WayIn:
    return WayIn(dict.fromkeys(("auth", "items"), f"https://127.0.0.1:{server.server_port}"), host, authority)


def call(**fields: Any) -> FrontendCall:
    return FrontendCall.model_validate({"name": "list", "service": "items", "path": "/items"} | fields)


def sent(server: Server, way: WayIn, *calls: FrontendCall) -> list[Asked]:
    """Send calls with one client and return what the server saw; each must be answered."""
    with frontend_client(way) as http:
        answers = [send(http, way, each, FRONTEND, "secret") for each in calls]
    assert all(isinstance(answer, Recorded) for answer in answers), answers
    return server.asked


def lost(way: WayIn, given: FrontendCall) -> str:
    """Send a call that gets no answer, and return why."""
    with frontend_client(way) as http:
        answer = send(http, way, given, FRONTEND, "secret")
    assert isinstance(answer, str)
    assert answer
    return answer


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_plain_call_goes_to_its_service_as_it_is(plain: Server, method: str) -> None:
    (asked,) = sent(plain, direct(plain), call(method=method, path="/items?limit=2&city=K%C3%B6ln%20S"))
    assert (asked.method, asked.path, asked.body) == (method, "/items?limit=2&city=K%C3%B6ln%20S", b"")
    assert asked.header("Host") == f"127.0.0.1:{plain.server_port}"
    assert asked.header("Authorization") is None
    assert asked.header("Cookie") is None
    assert asked.header("Content-Type") is None


def test_the_gateway_is_asked_by_its_name_in_greeting_and_request(secured: Server) -> None:
    (asked,) = sent(secured, through(secured), call())
    assert (asked.path, asked.header("Host"), secured.names) == ("/items", HOST, [HOST])


def test_calls_of_one_client_share_a_connection_to_the_gateway(secured: Server) -> None:
    assert len(sent(secured, through(secured), call(), call(), call())) == 3
    assert secured.names == [HOST]


@pytest.mark.parametrize("body", [{}, [], {"title": "Ré­novation 屋根 🏠", "n": [1, 1.0, True, None]}])
def test_a_json_body_arrives_as_it_is(plain: Server, body: Any) -> None:
    (asked,) = sent(plain, direct(plain), call(method="POST", json=body))
    assert asked.body.decode() == json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert asked.header("Content-Type") == "application/json"


def test_a_large_body_arrives_whole_with_its_padding(secured: Server) -> None:
    (asked,) = sent(secured, through(secured), call(method="POST", json={"title": "Roof"}, padding=300_000))
    assert json.loads(asked.body) == {"title": "Roof", "padding": "x" * 300_000}


@pytest.mark.parametrize("text", ["", '{"broken": ', "title=Roof", "屋根\r\n🏠"])
def test_a_text_body_arrives_as_it_is_and_without_a_type_of_its_own(plain: Server, text: str) -> None:
    asked, typed = sent(
        plain,
        direct(plain),
        call(method="POST", text=text),
        call(method="POST", text=text, headers={"Content-Type": "text/plain"}),
    )
    assert asked.body.decode() == typed.body.decode() == text
    assert (asked.header("Content-Type"), typed.header("Content-Type")) == (None, "text/plain")


def test_a_path_in_any_script_is_encoded(plain: Server) -> None:
    (asked,) = sent(plain, direct(plain), call(path="/items/屋根?city=Łódź"))
    assert asked.path == "/items/%E5%B1%8B%E6%A0%B9?city=%C5%81%C3%B3d%C5%BA"


def test_the_token_stands_where_a_call_asks_for_it(plain: Server) -> None:
    none, bearer, cookie, twice = sent(
        plain,
        direct(plain),
        call(headers={"X-Note": "token"}),
        call(login=True),
        call(headers={"Cookie": "theme=dark; session={token}"}),
        call(headers={"X-Both": "{token}/{token}", "X-Other": "{Token}"}),
    )
    assert (none.header("Authorization"), none.header("X-Note")) == (None, "token")
    assert bearer.header("Authorization") == "Bearer secret"
    assert (cookie.header("Authorization"), cookie.header("Cookie")) == (None, "theme=dark; session=secret")
    assert (twice.header("X-Both"), twice.header("X-Other")) == ("secret/secret", "{Token}")


def test_headers_may_hold_any_script(plain: Server) -> None:
    (asked,) = sent(plain, direct(plain), call(headers={"X-City": "Łódź 屋根"}))
    assert asked.header("X-City") == "Łódź 屋根"


@pytest.mark.parametrize("secure", [False, True])
def test_a_cookie_of_one_answer_is_not_sent_with_the_next_call(plain: Server, secured: Server, secure: bool) -> None:
    server, way = (secured, through(secured)) if secure else (plain, direct(plain))
    server.reply.headers = [("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "theme=dark")]
    assert [asked.header("Cookie") for asked in sent(server, way, call(), call(), call())] == [None] * 3


def test_an_answer_is_kept_as_far_as_the_frontend_relies_on_it(secured: Server) -> None:
    secured.reply = Reply(404, "no such path: 屋根".encode(), [("Content-Type", "text/plain"), ("X-Served-By", "a")])
    secured.reply.headers += [("SET-COOKIE", "a=1"), ("Set-Cookie", "b=2")]
    with frontend_client(through(secured)) as http:
        answer = send(http, through(secured), call(), FRONTEND, "")
    headers = {"content-type": "text/plain", "set-cookie": "a=1, b=2"}
    assert answer == Recorded(status=404, headers=headers, body="no such path: 屋根")


def test_a_cookie_of_the_gateways_own_is_no_part_of_an_answer_and_any_other_is(secured: Server) -> None:
    secured.reply.headers = [("Set-Cookie", "replica=06e4; Path=/"), ("Set-Cookie", "replicas=1")]
    way = replace(through(secured), cookies=frozenset({"replica"}))
    with frontend_client(way) as http:
        answer = send(http, way, call(), FRONTEND, "")
        secured.reply.headers.pop()
        alone = send(http, way, call(), FRONTEND, "")
    assert isinstance(answer, Recorded)
    assert isinstance(alone, Recorded)
    assert (answer.headers, alone.headers) == ({"set-cookie": "replicas=1"}, {})


def test_a_redirection_is_an_answer_and_not_followed(plain: Server) -> None:
    plain.reply = Reply(302, b"", [("Location", "/elsewhere")])
    with frontend_client(direct(plain)) as http:
        answer = send(http, direct(plain), call(), FRONTEND, "")
    assert answer == Recorded(status=302, headers={}, body="")
    assert [asked.path for asked in plain.asked] == ["/items"]


@pytest.fixture
def nobody() -> Iterator[WayIn]:
    with socket.socket() as bound:  # bound, and not listening
        bound.bind(("127.0.0.1", 0))
        yield WayIn({"items": f"http://127.0.0.1:{bound.getsockname()[1]}"})


def test_a_service_that_nobody_listens_for_is_told_as_a_text(nobody: WayIn) -> None:
    assert lost(nobody, call()) == "[Errno 111] Connection refused"


def test_an_answer_that_does_not_come_is_told_as_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_in, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert lost(WayIn({"items": f"http://127.0.0.1:{silent.getsockname()[1]}"}), call()) == "timed out"


def test_a_gateway_that_is_not_trusted_is_told_as_a_text(secured: Server) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()
    assert "CERTIFICATE_VERIFY_FAILED" in lost(through(secured, authority=stranger), call())
    assert "not valid for 'other.test'" in lost(through(secured, host="other.test"), call())
    assert secured.asked == []


@pytest.mark.parametrize(
    "given",
    [
        call(path="/items/\x00"),
        call(method="GET /"),
        call(headers={"X": "a\nb"}),
        call(path="/" + "x" * 70_000),
    ],
    ids=["path", "method", "header", "length"],
)
def test_what_cannot_be_sent_is_told_as_a_text(plain: Server, given: FrontendCall) -> None:
    assert "\n" not in lost(direct(plain), given)
    assert plain.asked == []


@pytest.fixture
def system() -> System:
    return parse_system(SYSTEM, "system.yaml")


@pytest.mark.parametrize("secure", [False, True])
def test_the_token_is_that_of_the_declared_log_in(plain: Server, secured: Server, system: System, secure: bool) -> None:
    server, way = (secured, through(secured)) if secure else (plain, direct(plain))
    server.reply.status = 201
    with frontend_client(way) as http:
        assert frontend_token(http, way, system) == "secret"
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("POST", "/login", b'{"name":"ada"}')]


def test_there_is_no_token_where_no_log_in_is_declared(plain: Server, system: System) -> None:
    with frontend_client(direct(plain)) as http:
        assert frontend_token(http, direct(plain), system.model_copy(update={"login": None})) == ""
    assert plain.asked == []


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(200, b'{"token": "secret"}'), 'HTTP 200: {"token": "secret"}'),
        (Reply(201, b'{"token": ""}'), 'HTTP 201: {"token": ""}'),
        (Reply(503, b"x" * 300), "HTTP 503: " + "x" * 200),
    ],
)
def test_a_log_in_that_gives_no_token_is_told(plain: Server, system: System, reply: Reply, told: str) -> None:
    plain.reply = reply
    with frontend_client(direct(plain)) as http, pytest.raises(Failed) as caught:
        frontend_token(http, direct(plain), system)
    assert str(caught.value) == (
        f"auth (POST /login): no log-in\n  expected  HTTP 201 with a text in the field 'token'\n  observed  {told}"
    )


def test_a_log_in_that_nobody_answers_is_told(nobody: WayIn, system: System) -> None:
    way = WayIn({"auth": nobody.urls["items"]})
    with frontend_client(way) as http, pytest.raises(Failed) as caught:
        frontend_token(http, way, system)
    assert str(caught.value).endswith("\n  observed  no answer: [Errno 111] Connection refused")


def cluster(*services: str) -> Any:
    """A cluster of one node with these Services, whose node ports are 30001, 30002 …"""

    def read(name: str, namespace: str) -> client.V1Service:
        if name not in services:
            raise ApiException(status=404, reason="Not Found")
        number = 30001 + services.index(name)
        ports = [{"name": "https", "port": 443, "nodePort": number}, {"name": "http", "port": 80, "nodePort": number}]
        return client.V1Service.model_validate({"metadata": {"name": name}, "spec": {"ports": ports}})

    address = {"type": "InternalIP", "address": "172.18.0.2"}
    status = {"addresses": [address], "conditions": [{"type": "Ready", "status": "True"}]}
    node = client.V1Node.model_validate({"metadata": {"name": "worker"}, "status": status})
    secret = SimpleNamespace(data={"ca.crt": base64.b64encode(AUTHORITY.encode()).decode()})
    core = SimpleNamespace(
        list_node=lambda **_: SimpleNamespace(items=[node]),
        read_namespaced_service=read,
        read_namespaced_secret=lambda *_: secret,
    )
    replica = client.V1EndpointSlice.model_validate(
        {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": []}
    )
    discovery = SimpleNamespace(list_namespaced_endpoint_slice=lambda *_, **__: SimpleNamespace(items=[replica]))
    return SimpleNamespace(core=core, discovery=discovery)


def test_without_a_gateway_each_called_service_is_asked_at_its_own_port_though_no_journey_leads_there(
    system: System,
) -> None:
    found = observe_way_in(cluster("auth-external", "items-external"), system, FRONTEND, through_gateway=False)
    assert found == WayIn({"auth": "http://172.18.0.2:30001", "items": "http://172.18.0.2:30002"})


def test_a_called_service_that_cannot_be_reached_is_told(system: System) -> None:
    with pytest.raises(EnvironmentFault, match=r"^customers cannot reach items: there is no NodePort"):
        observe_way_in(cluster("auth-external"), system, FRONTEND, through_gateway=False)


def test_through_the_gateway_every_service_has_its_address_and_name(system: System) -> None:
    found = observe_way_in(cluster("door"), system, FRONTEND, through_gateway=True)
    assert found == WayIn(dict.fromkeys(("auth", "items"), "https://172.18.0.2:30001"), HOST, AUTHORITY)


def test_where_no_gateway_is_declared_services_are_asked_directly(system: System) -> None:
    bare = system.model_copy(update={"gateway": None})
    found = observe_way_in(cluster("auth-external", "items-external"), bare, FRONTEND, through_gateway=True)
    assert (found.host, found.urls["items"]) == ("", "http://172.18.0.2:30002")
