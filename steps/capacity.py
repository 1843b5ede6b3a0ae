"""Steps about large requests, many at the same time."""

from __future__ import annotations

import math

import pytest
from pytest_bdd import then, when

from seatrial.chaos.changes import observe
from seatrial.checks import capacity
from seatrial.checks.capacity import Bulk
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.calls import log_in
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import Traffic, merge
from seatrial.observe.target import direct_target
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_capacity import Largest

TIMES = 6
"""Each of those who send at the same time sends so many, one after the other."""


@when("as many large requests as declared are under way at the same time", target_fixture="bulk")
def send_large_requests(cluster: Cluster, system: System, vantages: tuple[Vantage, ...], evidence: Evidence) -> Bulk:
    largest = largest_of(system)
    workload = system.service(largest.service).workload
    before = observe_pods(cluster, system.namespace, workload)
    traffic = send_bulk(system, largest, vantages)
    observe(system.tolerances.settle_seconds)  # what ended just now is told a little later
    after = observe_pods(cluster, system.namespace, workload)
    evidence.csv("large requests", traffic.requests)
    evidence.json("replicas before and after large requests", {"before": before, "after": after})
    return Bulk(largest.service, largest.kilobytes, largest.at_once, largest.request.status, traffic, before, after)


def largest_of(system: System) -> Largest:
    """Return the largest request; skip where none is declared."""
    if system.largest is None:
        pytest.skip(f"{system.name} declares no large request")
    return system.largest


def send_bulk(system: System, largest: Largest, vantages: tuple[Vantage, ...]) -> Traffic:
    """Send large requests from every node, past any mesh, each node its part of those at the same time."""
    call = largest.request
    target = direct_target(system, system.service(largest.service), call, log_in(vantages[0], system))
    share = math.ceil(largest.at_once / len(vantages))
    body = {**call.json_body, "padding": "x" * (1000 * largest.kilobytes)}

    def send(vantage: Vantage) -> Traffic:
        return vantage.requests(
            target.url,
            count=TIMES * share,
            concurrency=share,
            headers=target.headers,
            identity_header=system.identity.header,
            timeout_seconds=system.tolerances.large_seconds,
            method=call.method,
            json=body,
        )

    return merge(at_once(send, vantages))


@then("every replica stands it, and each request is answered")
def large_requests_are_carried(bulk: Bulk, evidence: Evidence) -> None:
    fail_on([*capacity.ended(bulk), *capacity.failed(bulk, evidence.names[0])])
    doubt_on(capacity.unproven(bulk))
