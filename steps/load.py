"""Steps about customers that use the system."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pytest_bdd import given, then

from seatrial.checks.timeline import full_at
from seatrial.load.phases import attribute, phases_of_outages
from seatrial.load.records import LoadRecord
from seatrial.load.regression import are_enough, check_no_regression, is_as_fast
from seatrial.load.runner import Load
from seatrial.observe.flow import Flow
from seatrial.observe.records import Outage
from seatrial.report.evidence import Evidence
from seatrial.report.load_plot import load_plot
from seatrial.system import System
from seatrial.waiting import look_until

LOOK_SECONDS = 1.0
"""Between two looks whether customers are served as fast as before: each reads all of their requests."""


@given("customers use the marketplace")
def customers_are_there(load: Load, flow: Flow, system: System) -> None:
    given = system.tolerances
    flow.observe(given.load_seconds)
    flow.observe_until(lambda: are_enough(load.so_far()), within_seconds=given.load_recovery_seconds)


@then("customers are served as well as before")
def customers_are_served(load: Load, flow: Flow, outages: Sequence[Outage], system: System, evidence: Evidence) -> None:
    given = system.tolerances
    # traffic follows the endpoints, and a gateway that reads names needs the time that is declared for that
    healed_at = max(full_at(outage) for outage in outages) + given.propagation_seconds
    before = load.so_far().ended_by(min(outage.fault_at for outage in outages))
    flow.observe(max(healed_at + given.load_seconds - time.time(), 0.0))
    after = look_until(
        lambda: load.so_far().between(healed_at, time.time()),
        until=lambda after: is_as_fast(before, after, given),
        within_seconds=healed_at + given.load_recovery_seconds - time.time(),
        every_seconds=LOOK_SECONDS,
    )
    name = keep(load.stop(), outages, evidence)
    check_no_regression(before, after, given, name)


def keep(record: LoadRecord, outages: Sequence[Outage], evidence: Evidence) -> str:
    """Keep every request, the errors by the phases of the failover, and a picture of both; returns the first's name."""
    phases = phases_of_outages(outages, record)
    evidence.csv("customers by phase", [each.as_row() for each in attribute(record, phases)])
    evidence.png("customers over time", load_plot(record, phases))
    return evidence.csv("customers' requests", record.requests)
