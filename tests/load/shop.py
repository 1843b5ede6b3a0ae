"""A shop on loopback that customers can use, and its description."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SYSTEM = """\
name: shop
namespace: shop
services:
  - {name: auth, external: auth-external}
  - {name: items, external: items-external}
login:
  service: auth
  request: {method: POST, path: /login, json: {username: ada}}
journey:
  - {name: look, service: items, request: {path: /items, login: true}, weight: 2}
  - {name: buy, service: items, request: {method: POST, path: /orders, json: {item: 1}, login: true, status: 202}}
"""


@dataclass
class Shop:
    """Where it is, and how often it answered what."""

    url: str = ""
    answered: Counter[str] = field(default_factory=Counter)


@contextmanager
def open_shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            shop.answered[self.path] += 1
            status = {"/login": 200, "/items": 200, "/orders": 202}.get(self.path, 404)
            content = json.dumps({"token": "secret-1"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        shop.url = f"http://127.0.0.1:{server.server_port}"
        yield shop
        server.shutdown()
