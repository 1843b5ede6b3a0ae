"""Steps about how often replicas are asked while none of them can answer."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, zip_longest

import httpx
import pytest
from pytest_bdd import then, when

from seatrial.chaos.switches import all_switched
from seatrial.checks import attempts
from seatrial.checks.attempts import Storm
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.customers import REQUEST_ID, Reply, ask_steadily, customer, sign_in
from seatrial.observe.flow import at_once
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.gateway_convergence import await_share
from seatrial.observe.publication import other_version, replica_names
from seatrial.observe.request_log import Attempt, observe_attempts
from seatrial.report.evidence import Evidence
from seatrial.system import RequestLog, System
from seatrial.system_gateway import Route
from steps.patience import switch_of
from steps.routing import gateway_of

REQUESTS, PER_SECOND = 60, 20.0
"""Requests on each route, one after the other: those that find every replica left out reach nobody, and two that meet
there would share the replicas between them."""


def request_log_of(system: System) -> RequestLog:
    """Return how the system's replicas log requests; skip where they do not."""
    if system.request_log is None:
        pytest.skip(f"{system.name} declares no request log of its replicas")
    return system.request_log


def new_prefix() -> str:
    """Return the beginning of request ids that nobody has used before."""
    return f"seatrial-{uuid.uuid4().hex[:12]}-"


@when("customers read on every route while every replica of its service fails", target_fixture="storms")
def read_while_all_fail(door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence) -> list[Storm]:
    return raise_storms(door, cluster, system, evidence, reads=True)


@when("customers write on every route while every replica of its service fails", target_fixture="storms")
def write_while_all_fail(door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence) -> list[Storm]:
    return raise_storms(door, cluster, system, evidence, reads=False)


def raise_storms(door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence, *, reads: bool) -> list[Storm]:
    """Raise a storm on every route that is read, or on every other; skip where there is none."""
    routes = [each for each in gateway_of(system).routes if (each.call.method == "GET") is reads]
    if not routes:
        pytest.skip(f"{system.name} declares no route that is {'read' if reads else 'written to'}")
    request_log_of(system)
    parts = one_of_each_service(routes)
    storms = [storm for part in parts for storm in raise_at_once(door, cluster, system, part)]
    rows = [(each.what, each.requests, len(each.attempts), f"{each.factor:.2f}") for each in storms]
    evidence.csv("amplification", rows, ("route", "requests", "attempts", "attempts for each request"))
    return storms


def one_of_each_service(routes: Sequence[Route]) -> Iterator[list[Route]]:
    """Yield the routes in as few parts as there can be with no more than one route to a service in each."""
    by_service: defaultdict[str, list[Route]] = defaultdict(list)
    for each in routes:
        by_service[each.service].append(each)
    for part in zip_longest(*by_service.values()):
        yield [each for each in part if each]


def raise_at_once(door: FrontDoor, cluster: Cluster, system: System, routes: Sequence[Route]) -> list[Storm]:
    """Call routes to several services again and again while all their replicas fail, and read what these saw."""
    began, replicas = time.time(), replica_names(cluster, system)
    asked = [(route, new_prefix()) for route in routes]
    failing = sorted(chain.from_iterable(replicas[each.service] for each in routes))
    with customer(door) as client:
        token = sign_in(client, door, system)

        def ask(one: tuple[Route, str]) -> tuple[Reply, ...]:
            route, prefix = one
            return ask_steadily(
                client, door, route.call, per_second=PER_SECOND, count=REQUESTS, token=token, id_prefix=prefix
            )

        with all_switched(cluster, system.namespace, failing, *switch_of(system, "failing")):
            answers = at_once(ask, asked)
        calm = [
            await_calm(client, door, system, route, replicas[route.service], token, prefix) for route, prefix in asked
        ]
    return [storm_on(route, cluster, system, began, *its) for route, *its in zip(routes, answers, calm, strict=True)]


def storm_on(
    route: Route, cluster: Cluster, system: System, since: float, replies: Sequence[Reply], later: Sequence[Reply]
) -> Storm:
    """Return what the replicas of a route's service saw of a storm; ``later`` are answers after it."""
    most = gateway_of(system).attempts if route.call.method == "GET" else 1
    return Storm(route.told, len(replies), attempts_at(cluster, system, route, since, replies, later), most)


def attempts_at(
    cluster: Cluster, system: System, route: Route, since: float, replies: Sequence[Reply], later: Sequence[Reply]
) -> tuple[Attempt, ...]:
    """Return what the replicas of a route's service saw of customers' requests.

    ``later`` are answers to requests that were sent afterwards: when the logs have these, they have all.
    """
    log, service, others = request_log_of(system), system.service(route.service), other_version(cluster, system, route)
    own = [each for each in (*replies, *later) if each.header(system.identity.header) not in others]
    ids = {each.sent[REQUEST_ID] for each in replies}
    seen = observe_attempts(cluster, system, service, log, since=since, answers=own)
    return tuple(each for each in seen if each.request_id in ids)


def await_calm(
    client: httpx.Client,
    door: FrontDoor,
    system: System,
    route: Route,
    pods: Collection[str],
    token: str,
    prefix: str,
) -> tuple[Reply, ...]:
    """Wait until every replica of a route's service is asked again, where there is one by a route without a quota."""
    gateway = gateway_of(system)
    free = [each for each in gateway.routes if each.service == route.service and not each.quota]
    call, bound = (*free, route)[0].call, gateway.readmission_seconds
    return await_share(client, door, system, call, pods, within_seconds=bound, token=token, id_prefix=f"{prefix}calm-")


@then("no request is tried more often than declared")
def requests_are_tried_as_declared(storms: list[Storm]) -> None:
    doubt_on(chain.from_iterable(map(attempts.unproven, storms)))
    fail_on(chain.from_iterable(map(attempts.tried_too_often, storms)))
