"""Schemathesis in a process of its own, where one name leads to an address that no resolver knows for it.

``python -m seatrial.fuzz.child NAME ADDRESS PORT …`` goes on with what the command ``schemathesis`` takes. Everything
else about the name is as usual: it is greeted, asked for, and checked in the certificate.
"""

from __future__ import annotations

import signal
import socket
import sys
from typing import Any

from schemathesis.cli import schemathesis


def lead(name: str, address: str, port: int) -> None:
    """Have this process find a name at an address and a port, whatever port is asked for."""
    known: Any = socket.getaddrinfo

    def resolve(host: Any, asked: Any, *more: Any, **options: Any) -> Any:
        return known(address, port, *more, **options) if host == name else known(host, asked, *more, **options)

    socket.getaddrinfo = resolve  # type: ignore[assignment]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the child of a background job would ignore it
    name, address, port = sys.argv[1:4]
    if name:
        lead(name, address, int(port))
    schemathesis(sys.argv[4:], prog_name="schemathesis")
