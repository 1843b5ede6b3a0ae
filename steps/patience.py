"""Steps about the gateway and replicas that are not well: errors hidden, turns taken, the slow spared."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any, NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.chaos.switches import switched
from seatrial.checks import turns
from seatrial.cluster.client import Cluster
from seatrial.errors import Failure, fail_on
from seatrial.observe.customers import Reply, ask_at_once, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.publication import other_version, replica_names
from seatrial.report.evidence import Evidence
from seatrial.system import Faults, System
from seatrial.system_gateway import Route
from steps.routing import gateway_of, gateways

READS = 120
"""Requests on one route: a multiple of every usual number of replicas."""
TELLING_READS = 360
"""The same on a route whose shares are those of chance: see ``turns.SPARED``."""
CUSTOMERS = 12
Switch = tuple[Faults, dict[str, Any]]


class Reads(NamedTuple):
    """Customers' requests on one route, and the replica that was not well meanwhile.

    Where another version of the service gets a share, its answers are good ones, and are left out of the counts.
    """

    route: Route
    replies: Sequence[Reply]
    victim: str
    replicas: frozenset[str]
    counts: Counter[str]


def read(
    door: FrontDoor, cluster: Cluster, system: System, dice: random.Random, switch: Switch | None, only: str = ""
) -> list[Reads]:
    """Read on every route (of one policy, when ``only`` names it) while a replica of its service has the fault."""
    found = list(_read(door, cluster, system, dice, switch, only))
    if not found:
        pytest.skip(f"{system.name} declares no route {f'of policy {only!r} ' if only else ''}that is read")
    return found


def _read(
    door: FrontDoor, cluster: Cluster, system: System, dice: random.Random, switch: Switch | None, only: str
) -> Iterator[Reads]:
    replicas = replica_names(cluster, system)
    with customer(door) as client:
        token = sign_in(client, door, system)
        for route in gateway_of(system).routes:
            call = route.call
            if call.method != "GET" or (only and route.policy != only):
                continue
            victim = dice.choice(sorted(replicas[route.service]))
            with switched(cluster, system.namespace, victim, *switch) if switch else nullcontext():
                replies = ask_at_once(client, door, call, count=reads_on(route), customers=CUSTOMERS, token=token)
            counts = turns.count(replies, system.identity.header, other_version(cluster, system, route))
            yield Reads(route, replies, victim, replicas[route.service], counts)


def reads_on(route: Route) -> int:
    """Return how many requests tell how those of a route are handed out."""
    return TELLING_READS if route.policy == "least_request" else READS


def switch_of(system: System, name: str) -> Switch:
    """Return the fault switches and the body for one fault; skip where the system has none."""
    body: dict[str, Any] | None = getattr(system.faults, name) if system.faults else None
    if system.faults is None or body is None:
        pytest.skip(f"{system.name} declares no fault switch {name!r}")
    return system.faults, body


@when("customers read on every route while one replica of its service fails every request", target_fixture="reads")
def read_while_failing(door: FrontDoor, cluster: Cluster, system: System, dice: random.Random) -> list[Reads]:
    return read(door, cluster, system, dice, switch_of(system, "failing"))


@when("customers read on every route that goes by turns", target_fixture="reads")
def read_by_turns(door: FrontDoor, cluster: Cluster, system: System, dice: random.Random) -> list[Reads]:
    return read(door, cluster, system, dice, None, "round_robin")


@when("customers read on every route while one replica of its service is slow", target_fixture="reads")
def read_while_slow(door: FrontDoor, cluster: Cluster, system: System, dice: random.Random) -> list[Reads]:
    return read(door, cluster, system, dice, switch_of(system, "slow"))


@then("no customer sees an error")
def no_error_is_seen(reads: list[Reads], evidence: Evidence) -> None:
    show(reads, evidence)
    hint = "the gateway does not try another replica, or tries the same one again"
    fail_on(
        chain.from_iterable(
            turns.unanswered(each.route.path, each.replies, each.route.call.status, hint) for each in reads
        )
    )


@then("every replica has its exact share")
def shares_are_exact(reads: list[Reads], cluster: Cluster, system: System, evidence: Evidence) -> None:
    show(reads, evidence)
    fail_on(chain.from_iterable(out_of_turn(each, takers(cluster, system)) for each in reads))


@then("it gets a fraction of its share where the least busy replica is asked")
def slow_replicas_are_spared(reads: list[Reads], evidence: Evidence) -> None:
    show(reads, evidence)
    asked = [each for each in reads if each.route.policy == "least_request"]
    fail_on(
        chain.from_iterable(
            turns.not_spared(each.route.path, each.counts, each.victim, len(each.replicas)) for each in asked
        )
    )


@then("it gets its full share where requests go by turns")
def slow_replicas_get_their_turn(reads: list[Reads], cluster: Cluster, system: System) -> None:
    by_turns = [each for each in reads if each.route.policy == "round_robin"]
    fail_on(chain.from_iterable(out_of_turn(each, takers(cluster, system)) for each in by_turns))


def out_of_turn(reads: Reads, number: int) -> Iterator[Failure]:
    """Yield what is wrong with the answers on a route, or with their shares."""
    yield from turns.unanswered(reads.route.path, reads.replies, reads.route.call.status)
    yield from turns.out_of_turn(reads.route.path, reads.counts, reads.replicas, number)


def takers(cluster: Cluster, system: System) -> int:
    """Return how many processes of the gateway take turns, each for itself."""
    return gateways(cluster, system) * gateway_of(system).workers


def show(reads: list[Reads], evidence: Evidence) -> None:
    """Keep who answered on each route."""
    rows = [(each.route.path, each.route.policy, each.victim, dict(each.counts)) for each in reads]
    evidence.csv("who answered", rows, ("route", "policy", "not well", "answers"))
