"""Do the services learn who asked, and how? Each function yields the failures that it finds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from seatrial.errors import Failure
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Forwarded

BELIEVED = "the service believes what the customer says of himself: the gateway passes his headers on"
MISSING = "the gateway does not tell, so that the service takes its own connection for the customer's"


@dataclass(frozen=True, slots=True)
class Seen:
    """How a service saw a customer come in; what it does not tell is empty."""

    client: str
    scheme: str
    host: str


def seen(reply: Reply, declared: Forwarded) -> Seen:
    """Return what an answer tells in the declared fields."""
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = {}
    fields = told if isinstance(told, dict) else {}
    client, scheme, host = (str(fields.get(name) or "") for name in (declared.client, declared.scheme, declared.host))
    return Seen(client, scheme, host)


def untold(reply: Reply, declared: Forwarded) -> Iterator[Failure]:
    """Yield a failure when the request is not answered as declared, with all declared fields."""
    found = seen(reply, declared)
    wanted = {declared.client: found.client, declared.scheme: found.scheme, declared.host: found.host}
    missing = [name for name, value in wanted.items() if not value]
    if reply.error or reply.status != declared.request.status or missing:
        yield Failure(
            f"{_subject(reply)}: the service does not tell how the customer came in",
            f"HTTP {declared.request.status} with {', '.join(wanted)} in a JSON object",
            reply.told(),
        )


def wrong_way(reply: Reply, declared: Forwarded, host: str) -> Iterator[Failure]:
    """Yield a failure for the scheme, and for the host, that are not those that the customer used."""
    found = seen(reply, declared)
    for what, told, asked in (("scheme", found.scheme, "https"), ("host", found.host, host)):
        if told and told != asked:
            yield Failure(
                f"{_subject(reply)}: the service learns of another {what} than the customer used",
                f"{what} {asked}",
                f"{what} {told}",
                hint=BELIEVED if _was_sent(reply, told) else MISSING,
            )


def wrong_client(reply: Reply, declared: Forwarded, gateway: Collection[str]) -> Iterator[Failure]:
    """Yield a failure unless the client is an address, and neither the gateway's nor one that was made up.

    ``gateway`` holds the addresses of the gateway's replicas. Which address it saw is not known here: the way from
    outside to a replica may change it.
    """
    client = seen(reply, declared).client
    if not client:
        return
    subject = f"{_subject(reply)}: the service does not learn the customer's address"
    try:
        own = "the gateway" if client in gateway else "the service" if ip_address(client).is_loopback else ""
    except ValueError:
        yield Failure(subject, "an IP address", client, hint=BELIEVED if _was_sent(reply, client) else "")
        return
    if _was_sent(reply, client):
        yield Failure(
            subject, "the address that the gateway saw", f"{client}, which the customer made up", hint=BELIEVED
        )
    elif own:
        yield Failure(subject, "the address that the gateway saw", f"{client}, of {own} itself", hint=MISSING)


def _subject(reply: Reply) -> str:
    return f"{reply.method} {reply.url}{' with forged headers' if reply.sent.keys() - {'Authorization'} else ''}"


def _was_sent(reply: Reply, told: str) -> bool:
    return told in reply.sent.values()
