"""Steps about what the services say of themselves, tried with generated requests at the gateway."""

from __future__ import annotations

import random
from itertools import chain

import pytest
from pytest_bdd import then, when

from seatrial.checks import description
from seatrial.errors import doubt_on, fail_on
from seatrial.fuzz.description import paces, routed
from seatrial.fuzz.records import FuzzRecord
from seatrial.fuzz.runner import Fuzzer, Subject
from seatrial.observe.customers import customer, sign_in
from seatrial.observe.description import observe_description
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.vantage import Vantage
from seatrial.observe.way_in import WayIn
from seatrial.report.evidence import Evidence
from seatrial.system import System
from steps.routing import gateway_of


@when("customers try every described operation with generated requests", target_fixture="fuzzed")
def try_descriptions(
    door: FrontDoor, system: System, vantages: tuple[Vantage, ...], dice: random.Random, evidence: Evidence
) -> tuple[FuzzRecord, ...]:
    subjects = described(system, vantages[0])
    if not subjects:
        pytest.skip(f"{system.name} declares no description of an operation that the gateway leads to")
    with customer(door) as client:
        token = sign_in(client, door, system)
    way = WayIn({each.service: door.url for each in subjects}, door.host, door.authority)
    bounds, seed = system.tolerances, dice.randrange(2**32)
    fuzzer = Fuzzer(way, token, seed, bounds.fuzz_examples, evidence.folder / "generated")
    return fuzzer.run(subjects, within_seconds=bounds.fuzz_seconds)


def described(system: System, vantage: Vantage) -> tuple[Subject, ...]:
    """Return the services that describe themselves, each with what the gateway leads to."""
    gateway = gateway_of(system)
    whole = {each.name: observe_description(vantage, system, each) for each in system.services if each.openapi}
    parts = {name: routed(document, gateway, name) for name, document in whole.items()}
    return tuple(Subject(name, part, paces(part, gateway, name)) for name, part in parts.items() if part["paths"])


@then("each answer is one that the description allows")
def answers_are_described(fuzzed: tuple[FuzzRecord, ...], evidence: Evidence) -> None:
    rows = [
        (record.service, each.operation, each.cases, dict(each.statuses)) for record in fuzzed for each in record.tried
    ]
    shown = evidence.csv("what was tried", rows, ("service", "operation", "cases", "answers by status"))
    fail_on(
        chain.from_iterable(
            chain(description.untried(record, shown), description.undescribed(record, shown)) for record in fuzzed
        )
    )
    doubt_on(chain.from_iterable(description.unfinished(record) for record in fuzzed))
