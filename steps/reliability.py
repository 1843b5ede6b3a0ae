"""Steps about load: is every request answered, and how long after it was due?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import pytest
from pytest_bdd import given, then, when

from seatrial.capabilities import Capabilities
from seatrial.checks import instrument, reliability
from seatrial.checks.reliability import Bound
from seatrial.cluster.client import Cluster
from seatrial.errors import Doubt, doubt_on, fail_on
from seatrial.observe.agent import PORT
from seatrial.observe.customers import customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.records import Traffic
from seatrial.observe.steady import Sent, Stream, send_steadily, send_until
from seatrial.observe.target import Target, gateway_target, observe_inner_address, service_target
from seatrial.observe.vantage import Vantage, vantages_beside
from seatrial.report.evidence import Evidence
from seatrial.report.plots import latency_plot
from seatrial.system import System
from seatrial.system_gateway import Route
from steps.routing import gateway_of

COLUMNS = (
    *("load", "agents", "a second", "requests", "failed", "failed at most"),
    *("p50 ms", "p95 ms", "p99 ms", "send lag p99 ms"),
)

MESH_COST = 2
"""Times that a request may cost with a mesh what it costs without: at either end of a call a proxy works, too."""


@when(
    "one agent asks another at the rate that an agent must reach, until it is seen to reach it", target_fixture="alone"
)
def ask_an_agent(system: System, vantages: tuple[Vantage, ...], evidence: Evidence) -> Traffic:
    target = Target(f"http://{vantages[0].address()}:{PORT}/healthz")
    traffic = send_until(system, vantages[-1], target, lambda sent: not weaknesses(sent, system))
    evidence.packed_csv("requests between agents", traffic.requests)
    row = (instrument.sent_per_second(traffic), reliability.latencies(traffic, 200))
    evidence.csv("the instrument", [row], ("sent a second", "latencies in seconds"))
    return traffic


def weaknesses(traffic: Traffic, system: System) -> list[Doubt]:
    """Return why an agent is no good as an instrument."""
    given = system.tolerances
    return list(instrument.too_weak(traffic, given.instrument_rate_per_second, given.send_lag_seconds))


@then("every request was sent in time, and answered")
def the_instrument_is_good(alone: Traffic, system: System) -> None:
    doubt_on(weaknesses(alone, system))


@given("enough requests to show the bound of every day", target_fixture="bound")
def daily_bound(system: System) -> Bound:
    return Bound(system.tolerances.daily_failure_rate, system.tolerances.failure_confidence)


@given("enough requests to show the declared bound", target_fixture="bound")
def declared_bound(system: System) -> Bound:
    return Bound(system.tolerances.failure_rate, system.tolerances.failure_confidence)


@when("every caller's own pods ask its callees steadily", target_fixture="sent")
def ask_callees(
    cluster: Cluster, system: System, capabilities: Capabilities, bound: Bound, evidence: Evidence
) -> list[Sent]:
    streams = edge_streams(system, callers_of(cluster, system))
    rate = carried(system.tolerances.edge_rate_per_second, capabilities)
    return send(system, streams, rate, bound, evidence)


def carried(rate_per_second: float, capabilities: Capabilities) -> float:
    """Return what is left of a declared rate where a mesh carries the requests, too."""
    return rate_per_second / (MESH_COST if capabilities.get("mesh") is True else 1)


def callers_of(cluster: Cluster, system: System) -> dict[str, tuple[Vantage, ...]]:
    """Return each caller's own agents; skip where nothing is declared to be called, or no agent stands there."""
    if not system.edges:
        pytest.skip(f"{system.name} declares no calls between services")
    return agents_beside(cluster, system, [caller for caller, _ in system.calls])


def agents_beside(cluster: Cluster, system: System, names: Iterable[str]) -> dict[str, tuple[Vantage, ...]]:
    """Return, for each of these services, the agents beside its replicas; skip where none stand there."""
    if not system.vantage_beside:
        pytest.skip(f"{system.name} declares no vantage beside its replicas")
    workloads = {name: system.service(name).workload for name in names}
    return {name: vantages_beside(cluster, system.namespace, workload) for name, workload in workloads.items()}


def edge_streams(system: System, agents: dict[str, tuple[Vantage, ...]]) -> list[Stream]:
    """Return a stream for each declared call, to the identity path of its callee: the call itself makes others."""
    return [
        Stream(f"{caller} → {callee}", service_target(system, system.service(callee)), agents[caller])
        for caller, callee in system.calls
    ]


@when("every route that is read is asked steadily through the gateway", target_fixture="sent")
def ask_routes(
    door: FrontDoor,
    cluster: Cluster,
    system: System,
    vantages: tuple[Vantage, ...],
    capabilities: Capabilities,
    bound: Bound,
    evidence: Evidence,
) -> list[Sent]:
    streams = [
        Stream(route.told, target, vantages, route.call.status)
        for route, target in gateway_targets(cluster, system, door, log_in(door, system))
    ]
    rate = carried(system.tolerances.route_rate_per_second, capabilities)
    return send(system, streams, rate, bound, evidence)


def gateway_targets(cluster: Cluster, system: System, door: FrontDoor, token: str) -> list[tuple[Route, Target]]:
    """Return each route that is read, and the way there; skip where there is none.

    A route with a quota is left out: it refuses load on purpose.
    """
    gateway = gateway_of(system)
    routes = [route for route in gateway.routes if route.call.method == "GET" and not route.quota]
    if not routes:
        pytest.skip(f"{system.name} declares no route that is read and has no quota")
    inner = observe_inner_address(cluster, system, gateway)
    return [(route, gateway_target(inner, gateway, door.authority, route.call, token)) for route in routes]


def log_in(door: FrontDoor, system: System) -> str:
    """Return a token that a customer got at the gateway, empty where no log-in is declared."""
    with customer(door) as client:
        return sign_in(client, door, system)


def send(system: System, streams: list[Stream], rate_per_second: float, bound: Bound, evidence: Evidence) -> list[Sent]:
    """Send as many requests on each stream as the bound asks for, and keep what became of them."""
    count = reliability.sample_size(bound)
    sent = send_steadily(system, streams, count=count, rate_per_second=rate_per_second)
    for each in sent:
        evidence.packed_csv(f"requests {each.stream.name}", each.traffic.requests)
    evidence.csv("load", [row(each, bound.confidence) for each in sent], COLUMNS)
    good = {each.stream.name: [one.end - one.scheduled for one in each.traffic.requests if one.ok] for each in sent}
    evidence.png("latencies under load", latency_plot("latency under steady load", good))
    return sent


def row(sent: Sent, confidence: float) -> tuple[object, ...]:
    """Return what became of a stream, as a row of ``COLUMNS``."""
    traffic, status = sent.traffic, sent.stream.status
    found, failed = reliability.latencies(traffic, status), len(reliability.failures(traffic, status))
    _, most = reliability.failure_bounds(failed, traffic.count, confidence)
    times = (f"{1000 * each:.2f}" for each in (found.p50, found.p95, found.p99, found.send_lag_p99))
    return sent.stream.name, len(sent.runs), f"{sent.rate_per_second:g}", traffic.count, failed, f"{most:.2g}", *times


@then("the requests were sent when they were due")
def requests_were_in_time(sent: list[Sent], system: System) -> None:
    within = system.tolerances.load_lag_seconds
    doubt_on(chain.from_iterable(reliability.late(each.stream.name, each.traffic, within) for each in sent))


@then("so few fail that the bound holds")
def hardly_any_request_fails(sent: list[Sent], bound: Bound) -> None:
    parts = [(each.stream.name, each.traffic, each.stream.status, bound) for each in sent]
    fail_on(chain.from_iterable(reliability.too_many_failures(*each) for each in parts))
    doubt_on(chain.from_iterable(reliability.unsettled(*each) for each in parts))
