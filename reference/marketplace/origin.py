"""How a request came in, as far as a service can know: by the headers of the gateway, and by those of the mesh."""

from __future__ import annotations

import re

from fastapi import Request
from pydantic import BaseModel

FIELD = re.compile(r'\s*(\w+)=("(?:\\.|[^"\\])*"|[^;,]*)([;,]|$)')
"""One field of X-Forwarded-Client-Cert with what ends it: a comma ends the element of one proxy, too."""
SPIFFE = "spiffe://"


class WayIn(BaseModel):
    """How a customer came in."""

    client: str
    """Address that the gateway saw."""
    scheme: str
    host: str


def way_in(request: Request) -> WayIn:
    """Return how a request came in by the gateway's word, or as it is seen here where no gateway stands before.

    A proxy adds its word at the end of a list, and before it may stand what anybody made up. One gateway stands before
    the services, so the last entry is the one to believe.
    """
    return WayIn(
        client=_last(request, "x-forwarded-for") or (request.client.host if request.client else ""),
        scheme=_last(request, "x-forwarded-proto") or request.url.scheme,
        host=_last(request, "x-forwarded-host") or request.headers.get("host", ""),
    )


def _last(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name)).rpartition(",")[2].strip()


def peers(client_cert: str) -> dict[str, str]:
    """Return the SPIFFE identities of ``caller`` and ``callee`` in the mesh, each empty where none is named.

    Every Envoy on the way adds an element to the header X-Forwarded-Client-Cert (``By=spiffe://…;Hash=…;Subject="…";
    URI=spiffe://…``); the last one is of the proxy beside this process.
    """
    element: dict[str, str] = {}
    ended = False
    for name, value, end in FIELD.findall(client_cert):
        element = {} if ended else element
        element.setdefault(name.lower(), value.strip('"'))
        ended = end == ","
    found = {"caller": element.get("uri", ""), "callee": element.get("by", "")}
    return {name: value if value.startswith(SPIFFE) else "" for name, value in found.items()}
