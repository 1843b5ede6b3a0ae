"""Steps about the time that a gateway or a mesh costs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.checks import reliability, slowdown
from seatrial.checks.slowdown import Compared, Margin, Slowdown
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.steady import patience, send_by_turns
from seatrial.observe.target import Target, direct_target, service_target
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Evidence
from seatrial.report.plots import latency_plot
from seatrial.system import System
from steps.reliability import callers_of, gateway_targets, log_in

GATEWAY_HINT = "the gateway makes requests wait, asks more than one replica, or does more with each than it should"
MESH_HINT = "the sidecars are throttled, or do more with each request than they should"


class Ways(NamedTuple):
    """Two ways to the same replicas, and who takes both."""

    subject: str
    vantage: Vantage
    judged: Target
    direct: Target
    status: int


@when("every route that is read is asked through the gateway and directly by turns", target_fixture="compared")
def compare_routes(
    door: FrontDoor,
    cluster: Cluster,
    system: System,
    vantages: tuple[Vantage, ...],
    evidence: Evidence,
    dice: random.Random,
) -> list[Compared]:
    token, vantage = log_in(door, system), dice.choice(vantages)
    ways = [
        Ways(
            f"{route.told}, through the gateway",
            vantage,
            target,
            direct_target(system, system.service(route.service), route.call, token),
            route.call.status,
        )
        for route, target in gateway_targets(cluster, system, door, token)
    ]
    return [compare(system, each, dice, evidence) for each in ways]


@when("every caller's own pod asks its callees through the mesh and directly by turns", target_fixture="compared")
def compare_edges(cluster: Cluster, system: System, evidence: Evidence, dice: random.Random) -> list[Compared]:
    agents = callers_of(cluster, system)
    return [compare(system, each, dice, evidence) for each in mesh_ways(system, agents, dice)]


def mesh_ways(system: System, agents: dict[str, tuple[Vantage, ...]], dice: random.Random) -> Iterator[Ways]:
    """Yield the two ways of each declared call whose callee has a direct Service; skip where none has."""
    calls = [(caller, name) for caller, name in system.calls if system.service(name).direct]
    if not calls:
        pytest.skip(f"{system.name} declares no direct way to a service that is called")
    for caller, name in calls:
        callee = system.service(name)
        subject = f"{caller} → {name}, through the mesh"
        yield Ways(
            subject, dice.choice(agents[caller]), service_target(system, callee), direct_target(system, callee), 200
        )


def compare(system: System, ways: Ways, dice: random.Random, evidence: Evidence) -> Compared:
    """Ask on both ways in blocks by turns, and keep every request."""
    given = system.tolerances
    turns = slowdown.draw_turns(given.slowdown_blocks, dice)
    traffic = send_by_turns(system, ways.vantage, ways.judged, ways.direct, turns)
    evidence.packed_csv(f"requests {ways.subject}", traffic.requests)
    evidence.text(
        f"turns {ways.subject}",
        f"{turns}\n{given.block_requests} requests each; 0 {ways.judged.url}, 1 {ways.direct.url}\n",
    )
    timeout = patience(given.compared_rate_per_second, given.request_timeout_seconds)
    return Compared(ways.subject, traffic, turns, given.block_requests, ways.status, timeout)


@then("the way through the gateway takes at most the declared multiple of the direct one")
def gateway_is_fast(compared: list[Compared], system: System, evidence: Evidence, dice: random.Random) -> None:
    judge(compared, system, system.tolerances.gateway_slowdown, GATEWAY_HINT, evidence, dice)


@then("the way through the mesh takes at most the declared multiple of the direct one")
def mesh_is_fast(compared: list[Compared], system: System, evidence: Evidence, dice: random.Random) -> None:
    judge(compared, system, system.tolerances.mesh_slowdown, MESH_HINT, evidence, dice)


def judge(
    compared: Sequence[Compared], system: System, ratio: float, hint: str, evidence: Evidence, dice: random.Random
) -> None:
    """Tell how much slower each way is, then whether that is too much, or cannot be told."""
    given = system.tolerances
    doubt_on(chain.from_iterable(slowdown.not_comparable(each) for each in compared))
    margin = Margin(ratio, given.slowdown_confidence, given.slowdown_percentile)
    found = [slowdown.slowdowns(each, margin.confidence, dice.randrange(2**32)) for each in compared]
    name = show(compared, found, evidence)
    # one late request in a hundred moves a tail, and no median
    within = given.send_lag_seconds if given.slowdown_percentile > 50 else given.load_lag_seconds
    doubt_on(chain.from_iterable(reliability.late(each.subject, each.traffic, within) for each in compared))
    pairs = list(zip(compared, found, strict=True))
    fail_on(chain.from_iterable(slowdown.too_slow(one, its, margin, hint, name) for one, its in pairs))
    doubt_on(chain.from_iterable(slowdown.undecided(one, its, margin) for one, its in pairs))


def show(compared: Sequence[Compared], found: Sequence[Sequence[Slowdown]], evidence: Evidence) -> str:
    """Keep the slowdowns as data, and the latencies on both ways as pictures; returns the name of the data."""
    for each in compared:
        seconds = {
            name: list(chain.from_iterable(each.seconds(way))) for name, way in (("judged", "0"), ("direct", "1"))
        }
        evidence.png(f"latencies {each.subject}", latency_plot(each.subject, seconds))
    rows = [
        (
            one.subject,
            each.name,
            *(f"{1000 * time:.2f}" for time in (each.slow, each.direct)),
            each.ratio,
            each.low,
            each.high,
        )
        for one, its in zip(compared, found, strict=True)
        for each in its
    ]
    return evidence.csv("slowdown", rows, ("way", "quantile", "ms", "directly ms", "ratio", "low", "high"))
