"""Steps about calls that nobody answers."""

from __future__ import annotations

from itertools import chain

from pytest_bdd import then, when

from seatrial.chaos.switches import all_switched
from seatrial.checks import deadline
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.customers import Reply, ask, customer, sign_in
from seatrial.observe.flow import at_once
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.publication import other_version, replica_names
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Route
from steps.patience import switch_of
from steps.routing import gateway_of


@when(
    "customers make every call that may not be repeated while no replica of its service answers",
    target_fixture="unanswered",
)
def call_the_stalled(door: FrontDoor, cluster: Cluster, system: System) -> list[tuple[Route, Reply]]:
    (faults, body), replicas = switch_of(system, "stalled"), replica_names(cluster, system)
    routes = [route for route in gateway_of(system).routes if route.call.method != "GET"]
    everybody = {pod for each in routes for pod in replicas[each.service] | other_version(cluster, system, each)}
    with customer(door) as client:
        token = sign_in(client, door, system)
        with all_switched(cluster, system.namespace, everybody, faults, body):
            replies = at_once(lambda route: ask(client, door, route.call, token=token), routes)
    return list(zip(routes, replies, strict=True))


@then("each call ends with a timeout at the declared time")
def calls_end_in_time(unanswered: list[tuple[Route, Reply]], system: System, evidence: Evidence) -> None:
    evidence.json("answers", [reply for _, reply in unanswered])
    bound = gateway_of(system).timeout_seconds
    fail_on(chain.from_iterable(deadline.endless(route.path, reply, bound) for route, reply in unanswered))
