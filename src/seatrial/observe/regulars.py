"""Customers who come again and again, each known to the gateway by a cookie or a header value of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx

from seatrial.observe.customers import Reply, ask, customer, sign_in
from seatrial.observe.flow import at_once
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.gateway_convergence import in_turn
from seatrial.system import System
from seatrial.system_gateway import Route

PACE_SECONDS = 0.25
"""Between two visits of one customer while something heals: few enough to leave it the cores."""


@dataclass(frozen=True, slots=True)
class Regular:
    """One customer of one route."""

    number: int
    """From 1."""
    client: httpx.Client
    """With a cookie jar of its own."""
    headers: Mapping[str, str]
    """Sent each time: the wish for a connection of its own, and the declared header where affinity goes by one."""
    token: str


@dataclass(frozen=True, slots=True)
class Visits:
    """One customer's answers, in order."""

    customer: int
    replies: tuple[Reply, ...]


@contextmanager
def regulars(door: FrontDoor, system: System, route: Route, count: int) -> Iterator[tuple[Regular, ...]]:
    """Yield so many customers of a route, whom the gateway does not know yet."""
    header = route.affinity.header if route.affinity else None
    with ExitStack() as stack:
        clients = [stack.enter_context(customer(door)) for _ in range(count)]
        token = sign_in(clients[0], door, system) if route.call.login else ""
        for client in clients:
            client.cookies.clear()  # signing in may have made the first one known
        yield tuple(
            Regular(
                number, client, {"Connection": "close", **({header: f"customer-{number}"} if header else {})}, token
            )
            for number, client in enumerate(clients, start=1)
        )


def come(customers: Iterable[Regular], door: FrontDoor, route: Route, times: int) -> tuple[Visits, ...]:
    """Have each customer come so often, all at the same time, each time over a connection of its own."""

    def visit(each: Regular) -> Visits:
        return Visits(each.number, tuple(_visit(each, door, route) for _ in range(times)))

    return tuple(at_once(visit, customers))


def come_for(customers: Iterable[Regular], door: FrontDoor, route: Route, seconds: float) -> tuple[Visits, ...]:
    """Have each customer come at a steady pace for so long, as :func:`come` does."""
    deadline = time.monotonic() + seconds

    def visit(each: Regular) -> Visits:
        replies = []
        while time.monotonic() < deadline:
            replies.append(_visit(each, door, route))
            threading.Event().wait(PACE_SECONDS)
        return Visits(each.number, tuple(replies))

    return tuple(at_once(visit, customers))


def await_all_reached(door: FrontDoor, system: System, route: Route, replicas: Collection[str]) -> bool:
    """Wait until new customers of a route are spread over all these replicas; false when the bound is over first.

    A gateway whose own replicas know different replicas of the service sends customers to and fro. The bound is that
    of names, because some gateways find replicas by them. This is no judgement: whoever goes on measures what is there.
    """
    deadline = time.monotonic() + system.tolerances.dns_seconds
    while not in_turn(door, system, route.call, replicas):
        if time.monotonic() > deadline:
            return False
    return True


def replies_of(visits: Sequence[Visits]) -> tuple[Reply, ...]:
    """Return the answers of all customers."""
    return tuple(reply for each in visits for reply in each.replies)


def _visit(each: Regular, door: FrontDoor, route: Route) -> Reply:
    return ask(each.client, door, route.call, headers=each.headers, token=each.token)
