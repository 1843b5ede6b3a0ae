"""The client's side of TLS, for connections that several threads open at the same time."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Self


class SharedContext(ssl.SSLContext):
    """A client's context with which several threads may connect at the same time.

    httpx tells its context the protocols anew before each connection. OpenSSL then frees the list that it had, and
    Python copies that list for a new connection without holding its lock; so another thread's greeting could carry
    freed memory, which the server refused with ``decode_error`` (17 of 224,000 greetings from four threads; with this
    class none). Here a list that is already set is not set again.
    """

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        super().__init__()
        self._offered: list[str] | None = None
        self._lock = Lock()

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Set the application protocols to offer, the preferred one first, unless they are what is offered already."""
        wanted = list(alpn_protocols)
        with self._lock:
            if wanted != self._offered:
                super().set_alpn_protocols(wanted)
                self._offered = wanted


def client_context(*, cafile: Path | str | None = None, cadata: str | None = None) -> SharedContext:
    """Return a context that checks names and certificates, by the authorities in a file and in PEM.

    Without either, by those that this machine trusts.
    """
    context = SharedContext()
    if cafile or cadata:
        context.load_verify_locations(cafile=cafile, cadata=cadata)
    else:
        context.load_default_certs()
    return context
