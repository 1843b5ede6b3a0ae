"""What runs in a pod of the load: Locust, and beside it a door to its records, asked through the API's pod proxy.

It goes on after Locust has ended, until its records were taken or nobody asks any more: then it ends by itself, and
Locust with it, so that a load whose owner vanished does not go on. Part of the load's image: nothing here may import
what the image lacks, see :mod:`seatrial.cluster.load_image`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seatrial.children import end, start, tail

PORT = 9090
"""The same as that of the vantages' agents."""
PORT_VARIABLE = "SEATRIAL_LOAD_PORT"
PATIENCE_VARIABLE = "SEATRIAL_LOAD_PATIENCE"
"""Seconds that may pass, beside those below, until the first question: the other pods of the load are waited for."""
LOG = "locust.log"
"""Beside the records."""
IDLE_SECONDS = 120.0
"""Without a question for so long, the owner of the load is taken for gone; as long as an API server may be away."""
END_SECONDS = 20.0
CHUNK_BYTES = 2**20
CHECK_SECONDS = 0.5


class Door:
    """What is asked of a pod of the load, and the Locust that it is about."""

    def __init__(self, locust: subprocess.Popen[bytes], records: Path, *logs: Path) -> None:
        self.locust, self.records, self.logs = locust, records, logs
        self.asked_at = time.monotonic() + float(os.environ.get(PATIENCE_VARIABLE, 0))
        self.taken = threading.Event()
        """Set when nothing more is wanted of this pod."""

    def healthz(self) -> dict[str, Any]:
        """Tell the time of this node's clock."""
        return {"now": time.time()}

    def rows(self, offset: int = 0) -> dict[str, Any]:
        """Return whole rows of the records from a byte on, where the next ones begin, and whether Locust runs.

        Rows that come later than an answer of no rows from a Locust that does not run are none: that was the end.
        """
        self.asked_at = time.monotonic()
        running = self.locust.poll() is None  # asked first: what it wrote last is read below
        text = b""
        if self.records.exists():
            with self.records.open("rb") as file:
                file.seek(offset)
                text = file.read(CHUNK_BYTES)
        text = text[: text.rfind(b"\n") + 1]
        return {"text": text.decode(), "next": offset + len(text), "running": running}

    def log_end(self) -> dict[str, Any]:
        """Return how Locust ended, if it did, and the last lines of its log."""
        told = next((log for log in self.logs if log.exists() and log.stat().st_size), None)
        return {"code": self.locust.poll(), "text": tail(told) if told else ""}

    def stop(self) -> dict[str, Any]:
        """Interrupt Locust, which tells its workers."""
        if self.locust.poll() is None:
            self.locust.send_signal(signal.SIGINT)
        return {}

    def leave(self) -> dict[str, Any]:
        """Note that nothing more is wanted."""
        self.taken.set()
        return {}

    def is_idle(self) -> bool:
        return time.monotonic() - self.asked_at > IDLE_SECONDS


class Handler(BaseHTTPRequestHandler):
    """Answers as the vantages' agents do: JSON, ``error`` where there is none."""

    def __init__(self, door: Door, *arguments: Any) -> None:
        self.door = door
        super().__init__(*arguments)

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        offset = int(parse_qs(asked.query).get("offset", ["0"])[0])
        ways: dict[str, Callable[[], dict[str, Any]]] = {
            "/healthz": self.door.healthz,
            "/rows": partial(self.door.rows, offset),
            "/log": self.door.log_end,
        }
        self._answer(ways.get(asked.path))

    def do_POST(self) -> None:
        self._answer({"/stop": self.door.stop, "/leave": self.door.leave}.get(urlsplit(self.path).path))

    def _answer(self, way: Callable[[], dict[str, Any]] | None) -> None:
        content = json.dumps(way() if way else {"error": "there is nothing here"}).encode()
        self.send_response(200 if way else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: it is asked every second."""


class Server(ThreadingHTTPServer):
    """Listens on IPv6, and with it on IPv4, where the node has both."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET


def main(arguments: list[str]) -> None:
    """Run Locust with these arguments, and answer until nothing more is wanted."""
    records = Path(os.environ["SEATRIAL_LOAD_RECORDS"])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the first process of a container ignores it otherwise
    output = records.with_suffix(".log")
    locust = start([sys.executable, "-m", "locust", *arguments], output, os.environ)
    # what it prints ends with its own statistics; only when it does not even begin, the cause is there
    door = Door(locust, records, records.with_name(LOG), output)
    try:
        with Server(("", int(os.environ.get(PORT_VARIABLE, PORT))), partial(Handler, door)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            while not door.taken.wait(CHECK_SECONDS) and not door.is_idle():
                pass
            server.shutdown()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is on its way
        if locust.poll() is None:
            end(locust, END_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
