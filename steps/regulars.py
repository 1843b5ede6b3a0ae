"""Steps about customers who come again and again, and stay with the replica that they met."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import given, then, when

from seatrial.chaos.faults import delete_by_force
from seatrial.checks import regulars as check
from seatrial.checks.affinity import requests_to_tell
from seatrial.cluster.client import Cluster
from seatrial.errors import Doubt, Inconclusive, doubt_on, fail_on
from seatrial.observe.customers import Reply
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.kube import observe_endpoints, observe_pods
from seatrial.observe.publication import replica_names
from seatrial.observe.records import PodView
from seatrial.observe.regulars import Regular, Visits, await_all_reached, come, come_for, regulars, replies_of
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Route
from seatrial.waiting import eventually
from steps.routing import gateway_of

TIMES = 6
"""How often each customer comes: of an even choice among three, one in 243 customers meets one replica alone."""


class Company(NamedTuple):
    """The customers of one route, and what they met."""

    route: Route
    customers: tuple[Regular, ...]
    visits: tuple[Visits, ...]
    replicas: frozenset[str]


class Loss(NamedTuple):
    """A replica that was deleted by force, and what the customers met who were with it."""

    company: Company
    victim: PodView
    at: float
    """Unix seconds."""
    replies: tuple[Reply, ...]
    replicas: frozenset[str]
    """Those that may answer: before the deletion without the victim, and after it."""


@given("customers have come again and again on every route that remembers them", target_fixture="companies")
@when("customers come again and again on every route that remembers them", target_fixture="companies")
def come_again(door: FrontDoor, cluster: Cluster, system: System, lasting: ExitStack) -> list[Company]:
    routes = [route for route in gateway_of(system).routes if route.affinity]
    if not routes:
        pytest.skip(f"{system.name} declares no route that remembers its customers")
    return [gather(route, door, cluster, system, lasting) for route in routes]


def gather(route: Route, door: FrontDoor, cluster: Cluster, system: System, lasting: ExitStack) -> Company:
    """Have new customers come to a route: so many that they do not all meet one replica by chance."""
    replicas = replica_names(cluster, system)[route.service]
    await_all_reached(door, system, route, replicas)
    count = requests_to_tell(max(len(replicas), 2), system.tolerances.alpha)
    customers = lasting.enter_context(regulars(door, system, route, count))
    return Company(route, customers, come(customers, door, route, TIMES), replicas)


@then("each customer is answered by one replica alone")
def customers_stay(companies: list[Company], system: System, evidence: Evidence) -> None:
    show(companies, system, evidence)
    header = system.identity.header
    fail_on(chain.from_iterable(check.not_staying(each.route, each.visits, header) for each in companies))
    fail_on(
        chain.from_iterable(
            check.strangers(each.route, replies_of(each.visits), header, each.replicas) for each in companies
        )
    )


@then("together they meet several replicas")
def customers_are_spread(companies: list[Company], system: System) -> None:
    header = system.identity.header
    fail_on(
        chain.from_iterable(check.huddling(each.route, each.visits, header, len(each.replicas)) for each in companies)
    )


@when("the replica of the first customer is deleted by force", target_fixture="losses")
def replica_dies(companies: list[Company], door: FrontDoor, cluster: Cluster, system: System) -> list[Loss]:
    return [lose(each, door, cluster, system) for each in companies]


def lose(company: Company, door: FrontDoor, cluster: Cluster, system: System) -> Loss:
    """Delete the replica of a route's first customer, and have those who were with it go on past the bound."""
    route, given = company.route, system.tolerances
    workload = system.service(route.service).workload
    name = company.visits[0].replies[-1].header(system.identity.header)
    victim = next((pod for pod in observe_pods(cluster, system.namespace, workload) if pod.name == name), None)
    if victim is None:
        missing = f"a replica that answers by its name: there is none {name!r}"
        raise Inconclusive(Doubt(f"{route.path}: the first customer", missing))
    left = [
        who for who, visits in zip(company.customers, company.visits, strict=True) if last_met(visits, system) == name
    ]
    at = delete_by_force(cluster, victim)
    visits = come_for(left, door, route, given.withdrawal_seconds + given.settle_seconds)
    doubt_on(check.nobody_lost(route, victim, observe_pods(cluster, system.namespace, workload), len(left)))
    living = (company.replicas - {name}) | replica_names(cluster, system)[route.service]
    return Loss(company, victim, at, replies_of(visits), living)


def last_met(visits: Visits, system: System) -> str:
    """Return the replica that a customer met last."""
    return visits.replies[-1].header(system.identity.header)


@then("after the bound the customers who were with it are served by others")
def customers_go_on(losses: list[Loss], system: System, evidence: Evidence) -> None:
    header, bound = system.identity.header, system.tolerances.withdrawal_seconds
    for each in losses:
        rows = [(reply.start - each.at, reply.status, reply.error, reply.header(header)) for reply in each.replies]
        evidence.csv(f"after the loss of {each.victim.name}", rows, ("seconds", "status", "error", "replica"))
    fail_on(
        chain.from_iterable(
            (
                *check.deserted(each.company.route, each.replies, header, each.victim.name, each.at, bound),
                *check.strangers(each.company.route, each.replies, header, each.replicas | {each.victim.name}),
            )
            for each in losses
        )
    )


@then("each customer stays with one replica again when the service is whole")
def customers_stay_again(
    losses: list[Loss], door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence
) -> None:
    again = [come_back(each.company, door, cluster, system) for each in losses]
    customers_stay(again, system, evidence)


def come_back(company: Company, door: FrontDoor, cluster: Cluster, system: System) -> Company:
    """Wait for the replacement, have the customers come while the gateway learns of it, and then count anew."""
    route, name = company.route, system.service(company.route.service).service
    eventually(
        lambda: sum(each.ready for each in observe_endpoints(cluster, system.namespace, name)),
        until=lambda ready: ready == len(company.replicas),
        within_seconds=system.tolerances.replacement_seconds,
        what=f"{route.service} (Service {system.namespace}/{name}): ready replicas after a deletion",
        expected=str(len(company.replicas)),
    )
    come_for(company.customers, door, route, system.tolerances.propagation_seconds)
    replicas = replica_names(cluster, system)[route.service]
    return company._replace(visits=come(company.customers, door, route, TIMES), replicas=replicas)


def show(companies: list[Company], system: System, evidence: Evidence) -> None:
    """Keep whom each customer met."""
    rows = [
        (each.route.path, visits.customer, [reply.header(system.identity.header) for reply in visits.replies])
        for each in companies
        for visits in each.visits
    ]
    evidence.csv("whom customers met", rows, ("route", "customer", "replicas in turn"))
