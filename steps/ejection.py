"""Steps about a replica that fails while it is ready: the gateway leaves it out, and lets it in again."""

from __future__ import annotations

import random
import time
from collections import Counter
from itertools import chain
from typing import NamedTuple

import httpx
import pytest
from pytest_bdd import then, when

from seatrial.chaos.switches import switched
from seatrial.checks import ejection, turns
from seatrial.checks.ejection import Spell
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.customers import Reply, ask_in_turn, ask_steadily, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.kube import observe_endpoints, observe_pods
from seatrial.observe.publication import replica_names
from seatrial.report.evidence import Evidence
from seatrial.system import Service, System
from seatrial.system_gateway import Ejection, Route
from steps.attempts import attempts_at, await_calm, new_prefix, request_log_of
from steps.patience import CUSTOMERS, switch_of
from steps.routing import gateway_of, gateways


class Illness(NamedTuple):
    """What became of a route while a replica failed, and who answered when it was well again."""

    spell: Spell
    afterwards: Counter[str]


def ejection_of(system: System) -> Ejection:
    """Return how the gateway leaves out what fails; skip where it does not."""
    declared = gateway_of(system).ejection
    if declared is None:
        pytest.skip(f"{system.name} declares no ejection of replicas that fail")
    return declared


@when("customers read steadily while one replica of the service fails and is ready", target_fixture="illnesses")
def read_while_broken(
    door: FrontDoor, cluster: Cluster, system: System, dice: random.Random, evidence: Evidence
) -> list[Illness]:
    declared, routes = ejection_of(system), one_of_each_balancing(system)
    request_log_of(system)
    illnesses = [fall_ill(door, cluster, system, route, dice) for route in routes]
    for each in illnesses:
        evidence.csv(f"attempts on {each.spell.path}", each.spell.attempts)
    doubt_on(chain.from_iterable(ejection.unproven(each.spell, declared) for each in illnesses))
    return illnesses


def one_of_each_balancing(system: System) -> list[Route]:
    """Return the first route of each balancing that is read; skip where there is none."""
    first: dict[str, Route] = {}
    for route in gateway_of(system).routes:
        if route.call.method == "GET":
            first.setdefault(route.balancing, route)
    if not first:
        pytest.skip(f"{system.name} declares no route that is read")
    return list(first.values())


def fall_ill(door: FrontDoor, cluster: Cluster, system: System, route: Route, dice: random.Random) -> Illness:
    """Read a route steadily while one of its replicas fails, then wait until it is let in again, and take a sample."""
    given, pods = system.tolerances, replica_names(cluster, system)[route.service]
    began, prefix = time.time(), new_prefix()
    victim = dice.choice(sorted(pods))
    with customer(door) as client:
        token = sign_in(client, door, system)
        replies, stayed = read_ill(client, door, cluster, system, route, victim, token, prefix)
        calm = await_calm(client, door, system, route, pods, token, prefix)
        size = ejection.sample_size(len(pods), alpha=given.alpha, power=given.power, smallest_skew=given.smallest_skew)
        afterwards = ask_in_turn(client, door, route.call, count=size, token=token)
    seen = attempts_at(cluster, system, route, began, replies, calm)
    spell = Spell(route.path, victim, len(pods), gateways(cluster, system), seconds_of(replies), stayed, seen)
    return Illness(spell, turns.count(afterwards, system.identity.header))


def read_ill(
    client: httpx.Client,
    door: FrontDoor,
    cluster: Cluster,
    system: System,
    route: Route,
    victim: str,
    token: str,
    prefix: str,
) -> tuple[tuple[Reply, ...], bool]:
    """Read a route steadily while a replica fails; return the answers, and whether it stayed ready meanwhile."""
    given, service = system.tolerances, system.service(route.service)
    rate, ready = given.reads_per_second, ready_since(cluster, system, service, victim)
    with switched(cluster, system.namespace, victim, *switch_of(system, "broken")):
        replies = ask_steadily(
            client,
            door,
            route.call,
            per_second=rate,
            count=round(rate * given.reads_seconds),
            customers=CUSTOMERS,
            token=token,
            id_prefix=prefix,
        )
        return replies, 0 < ready == ready_since(cluster, system, service, victim)


def ready_since(cluster: Cluster, system: System, service: Service, name: str) -> float:
    """Return since when a replica is a ready endpoint, in Unix seconds; 0 when it is not."""
    endpoints = observe_endpoints(cluster, system.namespace, service.service)
    if name not in {each.pod for each in endpoints if each.ready}:
        return 0.0
    pods = observe_pods(cluster, system.namespace, service.workload)
    return next((each.ready_since for each in pods if each.name == name and each.ready), 0.0)


def seconds_of(replies: tuple[Reply, ...]) -> float:
    """Return the time from the first request to the last answer."""
    return max(each.start + each.seconds for each in replies) - min(each.start for each in replies)


@then("each replica of the gateway gives it no more requests than declared")
def it_is_left_out(illnesses: list[Illness], system: System) -> None:
    declared = ejection_of(system)
    fail_on(chain.from_iterable(ejection.not_left_out(each.spell, declared) for each in illnesses))


@then("it gets its fair share again within the bound for readmission")
def it_is_let_in(illnesses: list[Illness], system: System, evidence: Evidence) -> None:
    rows = [(each.spell.path, each.spell.victim, dict(each.afterwards)) for each in illnesses]
    evidence.csv("who answered afterwards", rows, ("route", "was ill", "answers"))
    bound, alpha = gateway_of(system).readmission_seconds, system.tolerances.alpha
    fail_on(
        chain.from_iterable(
            ejection.not_let_in(each.spell.path, each.spell.victim, each.afterwards, each.spell.replicas, bound, alpha)
            for each in illnesses
        )
    )
