"""Steps about the gateway: where it leads, what it refuses, how private and how patient it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import given, then, when

from fixtures.trial import Deployment
from seatrial.checks import privacy, quota, routing
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.customers import REQUEST_ID, Reply, ask, ask_steadily, customer, sign_in
from seatrial.observe.front_door import FrontDoor, observe_front_door
from seatrial.observe.gateway_convergence import await_turns
from seatrial.observe.kube import observe_endpoints
from seatrial.observe.publication import other_version, replica_names
from seatrial.observe.records import Endpoint
from seatrial.observe.tls_greeting import VERSIONS, Certificate, Handshake, greet, observe_certificate
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Gateway, Route
from seatrial.system_values import Call

ABSENT_PATH = "/seatrial-absent"
ABSENT_HOST = "seatrial-absent.test"
BEYOND = 3
"""A burst is so many times as large as the bucket: what is refused is then unmistakable."""


class Limited(NamedTuple):
    """One route with a quota, called in three ways, and the others meanwhile."""

    route: Route
    before: Sequence[Reply]
    burst: Sequence[Reply]
    after: Sequence[Reply]
    others: Sequence[tuple[Route, Reply]]


@given("customers know the gateway's name", target_fixture="door")
def front_door(deployment: Deployment, cluster: Cluster, system: System) -> FrontDoor:
    gateway = gateway_of(system)
    door = observe_front_door(cluster, system, gateway)
    if deployment.disturbed:
        deployment.disturbed = not await_turns(door, system, gateway, replica_names(cluster, system))
    return door


def gateway_of(system: System) -> Gateway:
    """Return the declared gateway; skip where there is none."""
    if system.gateway is None:
        pytest.skip(f"{system.name} declares no gateway")
    return system.gateway


def gateways(cluster: Cluster, system: System) -> int:
    """Return how many replicas of the gateway are ready."""
    return sum(each.ready for each in gateway_endpoints(cluster, system))


def gateway_endpoints(cluster: Cluster, system: System) -> tuple[Endpoint, ...]:
    """Return the endpoints of the gateway's Service: its replicas."""
    return observe_endpoints(cluster, system.namespace, gateway_of(system).service)


@when("every route is called at the gateway", target_fixture="answers")
def call_routes(door: FrontDoor, system: System, dice: random.Random) -> list[tuple[Route, Reply]]:
    headers = {REQUEST_ID: f"seatrial-{dice.randrange(16**8):08x}"}
    return call_all(door, system, gateway_of(system).routes, headers)


def call_all(
    door: FrontDoor, system: System, routes: Sequence[Route], headers: dict[str, str]
) -> list[tuple[Route, Reply]]:
    """Call routes in turn over one connection, with a token where a request asks for a log-in."""
    with customer(door) as client:
        token = sign_in(client, door, system)
        return [(route, ask(client, door, route.call, headers=headers, token=token)) for route in routes]


@then("a replica of the declared service answers each call")
def routes_lead_to_services(
    answers: list[tuple[Route, Reply]], cluster: Cluster, system: System, evidence: Evidence
) -> None:
    evidence.json("answers", [reply for _, reply in answers])
    replicas = replica_names(cluster, system)
    rightful = {each.path: replicas[each.service] | other_version(cluster, system, each) for each, _ in answers}
    fail_on(
        chain.from_iterable(
            routing.misrouted(route, reply, reply.header(system.identity.header), rightful[route.path])
            for route, reply in answers
        )
    )


@then("each answer carries the request id that the customer sent")
def request_ids_are_kept(answers: list[tuple[Route, Reply]]) -> None:
    replies = [reply for _, reply in answers]
    fail_on(routing.forgotten_identity(replies, REQUEST_ID, replies[0].sent[REQUEST_ID]))


@when("a path and a host that nobody declared are asked for", target_fixture="refused")
def ask_for_the_undeclared(door: FrontDoor, system: System) -> tuple[Reply, Reply]:
    known = gateway_of(system).routes[0].call
    with customer(door) as client:
        return ask(client, door, Call(path=ABSENT_PATH)), ask(client, door, known, host=ABSENT_HOST)


@then("the path is not found")
def path_is_not_found(refused: tuple[Reply, Reply]) -> None:
    fail_on(routing.let_through(refused[0], "a path that nobody declared", (404,)))


@then("the host is refused")
def host_is_refused(refused: tuple[Reply, Reply]) -> None:
    fail_on(routing.let_through(refused[1], "a host that nobody declared", routing.REFUSALS))


@when("every route is called without TLS", target_fixture="plain")
def call_without_tls(door: FrontDoor, system: System) -> list[Reply]:
    with customer(door) as client:
        return [ask(client, door, route.call, scheme="http") for route in gateway_of(system).routes]


@then("each call is redirected to the same address with TLS")
def plain_calls_are_redirected(plain: list[Reply]) -> None:
    fail_on(
        chain.from_iterable(
            routing.not_redirected(reply, reply.url.replace("http://", "https://", 1)) for reply in plain
        )
    )


@when("customers greet the gateway with every version of TLS", target_fixture="greetings")
def greet_gateway(door: FrontDoor) -> tuple[list[Handshake], Certificate]:
    return [greet(door, version) for version in VERSIONS], observe_certificate(door)


@then("only current versions are spoken, by a gateway that proves its name")
def versions_are_current(greetings: tuple[list[Handshake], Certificate], evidence: Evidence) -> None:
    evidence.json("greetings", greetings)
    fail_on(privacy.wrong_versions(greetings[0]))


@then("its certificate is for that name and valid for long enough")
def certificate_is_good(greetings: tuple[list[Handshake], Certificate], door: FrontDoor, system: System) -> None:
    hours = system.tolerances.certificate_hours
    fail_on(privacy.wrong_certificate(greetings[1], door.host, datetime.now(UTC), hours))


@then("HTTP/2 is offered")
def http2_is_offered(greetings: tuple[list[Handshake], Certificate]) -> None:
    fail_on(privacy.without_http2(greetings[0]))


@when("every route with a quota is called below it, beyond it, and below it again", target_fixture="limited")
def call_limited_routes(door: FrontDoor, system: System) -> list[Limited]:
    routes = gateway_of(system).routes
    limited = [route for route in routes if route.quota]
    if not limited:
        pytest.skip(f"{system.name} declares no quota")
    return [exhaust(door, system, route, [each for each in routes if each is not route]) for route in limited]


def exhaust(door: FrontDoor, system: System, route: Route, others: Sequence[Route]) -> Limited:
    """Call one route steadily at half its quota, then as fast as possible, then steadily again."""
    assert route.quota
    steady, size = route.quota.per_second / 2, BEYOND * (route.quota.burst + 1)
    token = ""
    # by HTTP/2, so that one connection, and one replica of the gateway, takes all: a refusal ends one of HTTP/1.1
    with customer(door, http2=True) as client:
        before = ask_steadily(client, door, route.call, per_second=steady, count=int(2 * steady) + 1)
        token = sign_in(client, door, system)
        burst = [ask(client, door, route.call, token=token) for _ in range(size)]
        beside = [(each, ask(client, door, each.call, token=token)) for each in others]
        after = ask_steadily(client, door, route.call, per_second=steady, count=int(2 * steady) + 1)
    return Limited(route, before, burst, after, beside)


@then("nothing below the quota is refused")
def nothing_below_is_refused(limited: list[Limited]) -> None:
    fail_on(
        chain.from_iterable(
            quota.wrongly_refused(each.route.path, (*each.before, *each.after), each.route.call.status)
            for each in limited
        )
    )


@then("beyond it exactly the excess is refused")
def the_excess_is_refused(limited: list[Limited], evidence: Evidence) -> None:
    for each in limited:
        evidence.csv(f"burst at {each.route.path}", [(reply.start, reply.status) for reply in each.burst])
    fail_on(
        chain.from_iterable(
            quota.not_kept(each.route.path, each.route.quota, each.burst, each.route.call.status)
            for each in limited
            if each.route.quota
        )
    )


@then("no other route is affected")
def others_are_not_affected(limited: list[Limited]) -> None:
    others = chain.from_iterable(each.others for each in limited)
    fail_on(chain.from_iterable(quota.wrongly_refused(o.path, [reply], o.call.status) for o, reply in others))
