"""Steps about more customers than can be served."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.chaos.switches import all_switched
from seatrial.checks import overflow, turns
from seatrial.checks.overflow import Crowd
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.customers import Reply, ask, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.publication import replica_names
from seatrial.observe.volley import fire, lined_up
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Route
from seatrial.system_values import Call
from steps.patience import switch_of
from steps.routing import ABSENT_PATH, gateway_of, gateways

TIMES = 3
"""A crowd is so many times as large as what is let through: then one gateway is full although another got more."""


class Rush(NamedTuple):
    """A crowd on one route, and customers who came after it."""

    route: Route
    crowd: Crowd
    replies: Sequence[Reply]
    afterwards: Sequence[Reply]


@when(
    "more customers than are let through call every limited route at the same moment while its replicas are slow",
    target_fixture="rushes",
)
def crowd_limited_routes(door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence) -> list[Rush]:
    limited = [each for each in gateway_of(system).routes if each.concurrent]
    if not limited:
        pytest.skip(f"{system.name} declares no limit of requests at the same time")
    rushes = [rush(door, cluster, system, route) for route in limited]
    for each in rushes:
        rows = [(reply.start, reply.seconds, reply.status, reply.error) for reply in each.replies]
        evidence.csv(f"crowd at {each.route.path}", rows, ("start", "seconds", "status", "error"))
    doubt_on(chain.from_iterable(overflow.unproven(each.crowd) for each in rushes))
    return rushes


def rush(door: FrontDoor, cluster: Cluster, system: System, route: Route) -> Rush:
    """Call a route by a crowd while its replicas are slow, then one after the other when they are well again."""
    call, number, limit = route.call, gateways(cluster, system), route.concurrent or 0
    pods, size = replica_names(cluster, system)[route.service], TIMES * (limit + route.pending) * number
    with customer(door) as client, lined_up(door, size, Call(path=ABSENT_PATH)) as line:
        token = sign_in(client, door, system)
        with all_switched(cluster, system.namespace, pods, *switch_of(system, "slow")):
            replies = fire(line, door, call, token=token)
        afterwards = [ask(client, door, call, token=token) for _ in range(limit)]
    parts = overflow.parted(replies, system.identity.header)
    return Rush(route, Crowd(route.path, limit, route.pending, number, call.status, *parts), replies, afterwards)


@then("no more than declared are let through")
def the_limit_is_kept(rushes: list[Rush]) -> None:
    fail_on(chain.from_iterable(overflow.beyond_limit(each.crowd) for each in rushes))


@then("the others are refused at once")
def others_are_refused(rushes: list[Rush], system: System) -> None:
    bound = system.tolerances.refusal_seconds
    fail_on(chain.from_iterable(overflow.badly_refused(each.crowd, bound) for each in rushes))


@then("everybody is served afterwards")
def everybody_is_served(rushes: list[Rush]) -> None:
    hint = "refused requests are counted for good, or replicas have not got over the crowd"
    fail_on(
        chain.from_iterable(
            turns.unanswered(each.route.path, each.afterwards, each.route.call.status, hint) for each in rushes
        )
    )
