"""TLS servers on loopback that stand for a gateway."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from seatrial.observe.front_door import FrontDoor
from seatrial.observe.tls_greeting import VERSIONS

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
    refused: tuple[int, ...] = ()
    """Which of its answers, counted from 0, are errors of its own: no replica was left to ask."""
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
            if len(server.asked) - 1 in server.refused:
                self.send_error(502)
                return
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
