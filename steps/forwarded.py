"""Steps about what the services behind the gateway learn of the customers who ask."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.checks import forwarded
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.customers import Reply, ask, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_gateway import Forwarded
from steps.routing import gateway_endpoints, gateway_of

FORGED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "seatrial-forged.test",
}
"""What a customer may make up; the address is one for documentation (RFC 5737), which nobody has."""


class Introductions(NamedTuple):
    """How the services saw an honest customer, and one who made things up."""

    declared: Forwarded
    honest: Reply
    forged: Reply


@when("an honest customer and a forger ask how the services see them", target_fixture="introductions")
def ask_how_customers_are_seen(door: FrontDoor, system: System, evidence: Evidence) -> Introductions:
    declared = gateway_of(system).forwarded
    if declared is None:
        pytest.skip(f"{system.name} declares no request that tells how a customer came in")
    with customer(door) as client:
        token = sign_in(client, door, system)
        replies = [ask(client, door, declared.request, headers=headers, token=token) for headers in ({}, FORGED)]
    evidence.json("how customers are seen", [forwarded.seen(reply, declared) for reply in replies])
    return Introductions(declared, *replies)


@then("the honest one is seen with the scheme and the host that were asked for")
def way_is_known(introductions: Introductions, door: FrontDoor) -> None:
    declared, honest, _ = introductions
    fail_on(chain(forwarded.untold(honest, declared), forwarded.wrong_way(honest, declared, door.host)))


@then("at an address that is not the gateway's own")
def address_is_known(introductions: Introductions, cluster: Cluster, system: System) -> None:
    declared, honest, _ = introductions
    fail_on(forwarded.wrong_client(honest, declared, gateway_addresses(cluster, system)))


@then("nothing that the forger made up is believed")
def forged_is_not_believed(introductions: Introductions, door: FrontDoor, cluster: Cluster, system: System) -> None:
    declared, _, forged = introductions
    fail_on(
        chain(
            forwarded.untold(forged, declared),
            forwarded.wrong_way(forged, declared, door.host),
            forwarded.wrong_client(forged, declared, gateway_addresses(cluster, system)),
        )
    )


def gateway_addresses(cluster: Cluster, system: System) -> frozenset[str]:
    """Return the addresses of the gateway's replicas."""
    return frozenset(each.address for each in gateway_endpoints(cluster, system))
