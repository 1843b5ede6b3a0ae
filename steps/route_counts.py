"""Steps about what the gateway itself counts, route by route."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

import httpx
import pytest
from pytest_bdd import then, when

from seatrial.checks import route_counts as check
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.customers import Reply, ask, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.route_counts import RouteCounts, await_counts, read_counts
from seatrial.report.evidence import Evidence
from seatrial.route_metrics import FILE, RouteMetrics
from seatrial.system import System
from seatrial.system_gateway import Route
from seatrial.system_values import Call
from steps.routing import gateway_of

GOOD, BAD = 5, 2
"""Requests on the first route, well-formed and not; each further route gets one more of both, so that none is
taken for another."""


class Counted(NamedTuple):
    """The customers' requests, and what the gateway had counted before and after them."""

    answered: list[tuple[Route, Reply]]
    before: RouteCounts
    after: RouteCounts


@when("customers make good and bad requests on every route", target_fixture="counted")
def call_and_count(
    door: FrontDoor, cluster: Cluster, system: System, route_metrics: RouteMetrics | None, evidence: Evidence
) -> Counted:
    if route_metrics is None:
        pytest.skip(f"the overlay declares no metrics of its gateway's routes ({FILE})")
    read = partial(read_counts, cluster, system, gateway_of(system), route_metrics)
    counted = call_between(read, door, system)
    evidence.json("counts of the gateway", {"before": shown(counted.before), "after": shown(counted.after)})
    doubt_on(check.uncountable(counted.before, counted.after, counted.answered))
    return counted


def call_between(read: partial[RouteCounts], door: FrontDoor, system: System) -> Counted:
    """Read what was counted, call every route, and read again when the gateway has had time to count that."""
    bound = system.tolerances.propagation_seconds
    with customer(door) as client:
        token = sign_in(client, door, system)
        before = await_counts(read, lambda now: True, bound)
        fail_on(check.unread(before))
        answered = list(call_all(client, door, gateway_of(system).routes, token))
    most = before.answers.total() + len(answered)
    return Counted(answered, before, await_counts(read, lambda now: now.answers.total() >= most, bound))


def call_all(
    client: httpx.Client, door: FrontDoor, routes: tuple[Route, ...], token: str
) -> Iterator[tuple[Route, Reply]]:
    """Call each route so often, well-formed and without body and log-in; fresh connections meet all gateways."""
    for number, route in enumerate(routes):
        bare = Call(method=route.call.method, path=route.call.path)
        calls = [route.call] * (GOOD + number) + [bare] * (BAD + number)
        yield from ((route, ask(client, door, call, headers={"Connection": "close"}, token=token)) for call in calls)


@then("the gateway has counted each answer by its route and its kind")
def answers_are_counted(counted: Counted) -> None:
    fail_on(chain(check.unread(counted.after), check.miscounted(counted.before, counted.after, counted.answered)))


@then("it has timed as many on each route")
def answers_are_timed(counted: Counted) -> None:
    fail_on(check.untimed(counted.before, counted.after, counted.answered))


def shown(counts: RouteCounts) -> dict[str, object]:
    """Return counts as data that can be kept."""
    answers = {f"{path} {kind}": number for (path, kind), number in sorted(counts.answers.items())}
    return {"replicas": sorted(counts.replicas), "answers": answers, "timed": dict(counts.timed)}
