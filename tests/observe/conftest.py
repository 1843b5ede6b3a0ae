"""A gateway on loopback, and the place where there is none."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from seatrial.observe.front_door import FrontDoor

from .shop_servers import CA, HOST, Server, serving_tls


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    with serving_tls() as server:
        yield server


@pytest.fixture
def server(one_server: Server) -> Server:
    """A server that has not been asked anything yet."""
    one_server.asked.clear()
    one_server.greeted.clear()
    return one_server


@pytest.fixture
def nobody() -> FrontDoor:
    """Where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return FrontDoor(HOST, "127.0.0.1", port, port, CA.cert_pem.bytes().decode())
