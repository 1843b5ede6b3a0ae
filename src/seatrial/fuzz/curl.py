"""A request as a command line, to be repeated by hand."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

LEFT_OUT = frozenset({"host", "content-length", "accept", "accept-encoding", "connection", "user-agent"})
"""Headers that curl makes itself, or that do not matter."""
TOKEN = '"Authorization: Bearer $TOKEN"'


def curl(request: Mapping[str, Any], options: Sequence[str] = ()) -> str:
    """Return the command line for a request of Schemathesis' events; the token is left to the shell's ``TOKEN``."""
    method = request["method"]
    parts = ["curl", *map(shlex.quote, options), *(["-X", method] if method != "GET" else [])]
    parts.append(_quoted(request["uri"].encode()))
    for name, values in request["headers"].items():
        if name.lower() not in LEFT_OUT and not name.lower().startswith("x-schemathesis"):
            parts += ["-H", TOKEN if name.lower() == "authorization" else _quoted(f"{name}: {values[0]}".encode())]
    if request.get("body"):
        parts += ["--data-binary", _quoted(base64.b64decode(request["body"]["$base64"]))]
    return " ".join(parts)


def _quoted(content: bytes) -> str:
    """Return bytes as one word for a shell; those that cannot be printed as bash and its like write them."""
    if content.isascii() and content.decode().isprintable():
        return shlex.quote(content.decode())
    escaped = (chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\x{byte:02x}" for byte in content)
    return f"$'{''.join(escaped)}'"
