"""Customers who come again and again, at a real server on loopback that gives cookies."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from seatrial.observe import regulars as module
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.regulars import await_all_reached, come, come_for, regulars, replies_of
from seatrial.system import System
from seatrial.system_file import parse_system

HOST = "shop.test"
CA = trustme.CA()


def system(affinity: str) -> System:
    return parse_system(
        "name: shop\nnamespace: shop\nservices: [{name: items}]\n"
        f"gateway: {{host: {HOST}, routes: [{{path: /items, service: items, affinity: {affinity}}}]}}\n"
        "tolerances: {dns_seconds: 0.3}\n",
        "s",
    )


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[Any, str, dict[str, str]]] = []
        """Client's address, path and headers of each request."""
        self.replicas = ("items-a", "items-b")
        certificate = CA.issue_cert(HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def door(self) -> FrontDoor:
        return FrontDoor(HOST, "127.0.0.1", 0, self.server_port, CA.cert_pem.bytes().decode())


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as the replica of the cookie, or as the next one, whose cookie is then given."""
        self.server.asked.append((self.client_address, self.path, dict(self.headers.items())))
        known = self.headers.get("Cookie", "").removeprefix("basket=")
        by = known or self.server.replicas[len(self.server.asked) % len(self.server.replicas)]
        self.send_response(200)
        self.send_header("Set-Cookie", f"basket={by}; Path=/; Secure; HttpOnly")
        self.send_header("X-Served-By", by)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def route(shop: System) -> Any:
    assert shop.gateway
    return shop.gateway.routes[0]


def test_each_customer_keeps_a_cookie_of_their_own_over_fresh_connections(server: Server) -> None:
    shop = system("{cookie: basket}")
    with regulars(server.door, shop, route(shop), 4) as customers:
        assert [each.number for each in customers] == [1, 2, 3, 4]
        first, *rest = visits = come(customers, server.door, route(shop), 3)
    assert [len(each.replies) for each in visits] == [3] * 4
    assert all(len({reply.header("X-Served-By") for reply in each.replies}) == 1 for each in visits)
    assert {reply.header("X-Served-By") for reply in replies_of(visits)} == {"items-a", "items-b"}
    assert len({address for address, _, _ in server.asked}) == 12, "every visit has a connection of its own"
    assert sum("Cookie" in headers for _, _, headers in server.asked) == 8
    assert (first.customer, len(rest)) == (1, 3)


def test_each_customer_sends_a_header_of_their_own(server: Server) -> None:
    shop = system("{header: X-Customer}")
    with regulars(server.door, shop, route(shop), 3) as customers:
        come(customers, server.door, route(shop), 2)
    values = [headers["X-Customer"] for _, _, headers in server.asked]
    assert sorted(values) == [f"customer-{n}" for n in (1, 1, 2, 2, 3, 3)]


def test_customers_come_for_a_while_at_a_pace(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACE_SECONDS", 0.05)
    shop = system("{cookie: basket}")
    with regulars(server.door, shop, route(shop), 2) as customers:
        visits = come_for(customers, server.door, route(shop), 0.3)
    assert all(2 <= len(each.replies) <= 6 for each in visits)


@pytest.mark.parametrize(("answering", "reached"), [(("items-a", "items-b"), True), (("items-a",), False)])
def test_a_gateway_is_waited_for_until_new_customers_meet_every_replica(
    server: Server, answering: tuple[str, ...], reached: bool
) -> None:
    server.replicas = answering
    shop = system("{cookie: basket}")
    assert await_all_reached(server.door, shop, route(shop), {"items-a", "items-b"}) is reached
    assert not any("Cookie" in headers for _, _, headers in server.asked), "nobody is known from the last time"
