"""Steps about routes whose requests are split between two versions of a service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.checks import split, turns
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.customers import Reply, ask_at_once, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.publication import other_version, replica_names
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Route
from steps.patience import CUSTOMERS
from steps.routing import gateway_of


class Share(NamedTuple):
    """The requests of one route, and which version answered them."""

    route: Route
    plan: split.Plan
    replies: Sequence[Reply]
    tally: split.Tally


@when("customers call every route that is split between two versions", target_fixture="shares")
def call_split_routes(door: FrontDoor, cluster: Cluster, system: System) -> list[Share]:
    routes = [route for route in gateway_of(system).routes if route.split]
    if not routes:
        pytest.skip(f"{system.name} declares no route that is split between two versions")
    return [sample(route, door, cluster, system) for route in routes]


def sample(route: Route, door: FrontDoor, cluster: Cluster, system: System) -> Share:
    """Make as many requests as the declared error rate, power and skew ask for, over kept connections."""
    assert route.split
    given = system.tolerances
    plan = split.plan(route.split.percent, alpha=given.alpha, power=given.power, smallest_skew=given.smallest_skew)
    with customer(door) as client:
        token = sign_in(client, door, system) if route.call.login else ""
        replies = ask_at_once(client, door, route.call, count=plan.size, customers=CUSTOMERS, token=token)
    versions = replica_names(cluster, system)[route.service], other_version(cluster, system, route)
    return Share(route, plan, replies, split.tally(replies, system.identity.header, *versions, plan))


@then("both versions answer")
def both_answer(shares: list[Share]) -> None:
    fail_on(
        chain.from_iterable(
            (
                *turns.unanswered(each.route.path, each.replies, each.route.call.status),
                *split.silent(each.route, each.tally),
            )
            for each in shares
        )
    )


@then("the other version gets its declared share")
def share_is_kept(shares: list[Share], evidence: Evidence) -> None:
    names = [evidence.json(f"split of {each.route.path}", {"plan": each.plan, "tally": each.tally}) for each in shares]
    fail_on(
        chain.from_iterable(
            split.wrong_share(each.route, each.tally, each.plan, name) for each, name in zip(shares, names, strict=True)
        )
    )
