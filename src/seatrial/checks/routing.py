"""Does the gateway lead where it says, and refuse the rest? Each function yields the failures that it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from seatrial.errors import Failure
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Route

REFUSALS = (400, 403, 404, 421)
"""Statuses that refuse a host which is not ours: HTTP asks for 421, servers differ."""


def misrouted(route: Route, reply: Reply, served_by: str, replicas: Collection[str]) -> Iterator[Failure]:
    """Yield a failure unless the declared answer came from a replica of the route's service."""
    subject = f"{route.path} → {route.service} ({reply.method} {reply.url}):"
    status = route.request.status if route.request else 200
    if reply.error or reply.status != status:
        yield Failure(
            f"{subject} the gateway does not answer as declared",
            f"HTTP {status}",
            f"no answer: {reply.error}" if reply.error else f"HTTP {reply.status}",
            hint=_route_hint(route, reply),
        )
    elif served_by not in replicas:
        yield Failure(
            f"{subject} somebody else than {route.service} answers",
            f"one of {', '.join(sorted(replicas)) or 'no ready replica'}",
            served_by or "nobody named",
            hint="the route leads to another service",
        )


def closed(node: str, address: str, reply: Reply, status: int, gateways_on: Collection[str]) -> Iterator[Failure]:
    """Yield a failure unless the gateway gives the declared answer at a node.

    ``gateways_on`` names the nodes on which replicas of the gateway stand.
    """
    if reply.error or reply.status != status:
        yield Failure(
            f"{reply.method} {reply.url} at node {node} ({address}): the gateway does not answer as declared",
            f"HTTP {status} at every node",
            f"no answer: {reply.error}" if reply.error else f"HTTP {reply.status}",
            (f"replicas of the gateway stand on {', '.join(sorted(gateways_on)) or 'no node'}",),
            hint=_door_hint(node in gateways_on) if reply.error else "see the gateway's log",
        )


def let_through(reply: Reply, what: str, refusals: Collection[int]) -> Iterator[Failure]:
    """Yield a failure unless the gateway refused what nobody declared."""
    if reply.error or reply.status not in refusals:
        yield Failure(
            f"{reply.method} {reply.url}: {what} is not refused",
            f"HTTP {' or '.join(map(str, sorted(refusals)))}",
            f"no answer: {reply.error}" if reply.error else f"HTTP {reply.status}",
            hint="a catch-all rule, or a default server that serves everybody",
        )


def not_redirected(reply: Reply, target: str) -> Iterator[Failure]:
    """Yield a failure unless a request without TLS is sent to the same address with it, for good."""
    location = reply.header("location")
    if reply.status not in (301, 308) or location != target:
        yield Failure(
            f"{reply.method} {reply.url}: a request without TLS is not redirected",
            f"HTTP 301 or 308 to {target}",
            f"no answer: {reply.error}" if reply.error else f"HTTP {reply.status} to {location or 'nowhere'}",
        )


def forgotten_identity(replies: Collection[Reply], header: str, sent: str) -> Iterator[Failure]:
    """Yield each answer that does not carry the request id which the customer sent; a failure when none was sent."""
    if not (replies and sent):
        yield Failure("no request carried an id", f"{header} in each request", f"{len(replies)} requests without it")
        return
    for reply in replies:
        if reply.header(header) != sent:
            yield Failure(
                f"{reply.method} {reply.url}: the request id is lost on the way",
                f"{header}: {sent}",
                reply.header(header)
                or (f"no answer: {reply.error}" if reply.error else f"no such header (HTTP {reply.status})"),
                hint="the gateway makes an id of its own, or does not pass the customer's on",
            )


def _door_hint(is_there: bool) -> str:
    if is_there:
        return "the proxy of this node does not follow the endpoints of the gateway, or a packet filter is before it"
    return "what reaches a node without a replica of the gateway is not handed on (externalTrafficPolicy Local)"


def _route_hint(route: Route, reply: Reply) -> str:
    if reply.status in (404, 421):
        return f"the gateway has no rule for {route.path}, or sends it to a service that does not know it"
    if reply.status in (502, 503, 504):
        return f"the gateway has a rule but reaches no replica of {route.service}: its name, port or endpoints"
    return "see the gateway's log"
