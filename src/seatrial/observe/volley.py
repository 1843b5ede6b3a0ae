"""Many requests at the same moment, each over a connection that stands already.

One thread sends them all and takes the answers as they come. With a thread for each, half of a short answer's time
would be their waiting for each other.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from selectors import EVENT_READ, DefaultSelector

from seatrial.errors import EnvironmentFault
from seatrial.observe.customers import Reply
from seatrial.observe.front_door import FrontDoor
from seatrial.system_values import Call

TIMEOUT_SECONDS = 10.0


@contextmanager
def lined_up(door: FrontDoor, size: int, knock: Call) -> Iterator[tuple[HTTPConnection, ...]]:
    """Yield so many connections to the gateway, each greeted, and used for one request that costs it nothing.

    Raises EnvironmentFault when one of them does not come about.
    """
    with ExitStack() as stack:
        try:
            connections = tuple(_connect(door, stack) for _ in range(size))
            for connection in connections:
                connection.request(knock.method, knock.path, headers={"Host": door.host})
                connection.getresponse().read()
        except (OSError, HTTPException) as error:
            told = str(error) or type(error).__name__
            raise EnvironmentFault(f"{size} customers cannot line up at {door.url}: {told}") from error
        yield connections


def _connect(door: FrontDoor, stack: ExitStack) -> HTTPConnection:
    context = door.trust()
    context.set_alpn_protocols(["http/1.1"])
    plain = socket.create_connection((door.address, door.https_port), TIMEOUT_SECONDS)
    connection = HTTPConnection(door.address, door.https_port)
    connection.auto_open = 0  # one that was closed is not opened again, without TLS
    connection.sock = context.wrap_socket(stack.enter_context(plain), server_hostname=door.host)
    stack.callback(connection.close)
    return connection


def fire(connections: Sequence[HTTPConnection], door: FrontDoor, call: Call, *, token: str = "") -> tuple[Reply, ...]:
    """Send the same call over each connection, all at the same moment, and return their answers in that order.

    What goes wrong, and what does not come within ``TIMEOUT_SECONDS``, is in ``error``.
    """
    shots = [_Shot(each, door, call, call.bearer(token)) for each in connections]
    with DefaultSelector() as waiting:
        for shot in shots:
            if shot.send():
                waiting.register(shot.socket, EVENT_READ, shot)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            ready, now = waiting.select(left), time.time()
            for key, _ in ready:
                waiting.unregister(key.fileobj)
                key.data.take(now)
    return tuple(shot.reply for shot in shots)


class _Shot:
    """One request of a volley; ``reply`` is there once it was sent."""

    def __init__(self, connection: HTTPConnection, door: FrontDoor, call: Call, sent: Mapping[str, str]) -> None:
        self._connection = connection
        self._door = door
        self._call = call
        self._sent = sent
        self._start = 0.0
        self.socket: socket.socket = connection.sock

    def send(self) -> bool:
        """Send it; false when that fails."""
        body = None if self._call.json_body is None else json.dumps(self._call.json_body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        self._start = time.time()
        self.reply = self._lost(f"no answer in {TIMEOUT_SECONDS:g} s", TIMEOUT_SECONDS)
        try:
            headers = {"Host": self._door.host, **kind, **self._sent}
            self._connection.request(self._call.method, self._call.path, body, headers)
        except (OSError, HTTPException) as error:
            self.reply = self._lost(str(error) or type(error).__name__, time.time() - self._start)
            return False
        return True

    def take(self, now: float) -> None:
        """Read the answer, which began to come at a moment in Unix seconds."""
        seconds = now - self._start
        try:
            answer = self._connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            body = answer.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            self.reply = self._lost(str(error) or type(error).__name__, seconds)
            return
        self.reply = replace(self._lost("", seconds), status=answer.status, headers=headers, body=body)

    def _lost(self, error: str, seconds: float) -> Reply:
        url = f"https://{self._door.host}{self._call.path}"
        return Reply(self._call.method, url, self._sent, error=error, start=self._start, seconds=seconds)
