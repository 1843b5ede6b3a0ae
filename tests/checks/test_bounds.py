"""Which bound is judged at which moment: the table says what the scenarios say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.checks import bounds
from seatrial.checks.bounds import BOUNDS, MUST_COME, Bounds
from seatrial.checks.timeline import ORDER
from seatrial.paths import ROOT
from seatrial.report.gherkin import read_feature
from seatrial.tolerances import Tolerances

FAULTS = {
    "one replica of every service reports that it is not ready": "is not ready",
    "one replica of every service hangs": "hangs",
}
EXPERIMENT = re.compile(r'the experiment "(.+)" is run( on that worker| while customers read steadily)?')
"""Those that are done to a replica, the gateway's included."""
SENTENCES: dict[str, Bounds] = {
    "no request fails": bounds.NO_ERROR,
    "it is not restarted": bounds.NO_RESTART,
    "it gets no new request after the bound for unready replicas": bounds.AVOIDED,
    "it gets no new request after the bound for hung replicas": bounds.HANG_AVOIDED,
    "errors end within the bound and enough requests succeed": bounds.CRASH_ENDS,
    "errors end within the bound for lost nodes": bounds.NODE_LOSS_ENDS,
    "it is restarted": bounds.RESTARTED,
    "a replacement is ready within the bound": bounds.REPLACED,
    "it gets its share back when it is ready again": bounds.SHARE_BACK,
    "all its replicas are back within the bound": bounds.NODE_REPLACED,
}
BESIDE = {
    "customers are served as well as before",
    "enough requests succeed",
    "only the replica at fault fails requests",
    "no request to another service fails",
}
"""What is judged by other means than the moments of a timeline."""


def scenarios() -> Iterator[list[str]]:
    """Yield the steps of each scenario, an outline's once for each of its examples."""
    for file in ("ac03_failover.feature", "ac03_surroundings.feature"):
        for title in read_feature(ROOT / "features" / file).titles:
            rows = [row for table in title.template.examples for row in table.as_contexts()]
            for row in rows or [{}]:
                yield [step.name for step in title.template.render(row).steps]


def judged() -> Iterator[tuple[str, list[str]]]:
    """Yield each fault to a replica with the sentences that follow it."""
    for steps in scenarios():
        for number, step in enumerate(steps):
            experiment = EXPERIMENT.fullmatch(step)
            fault = experiment.group(1) if experiment else FAULTS.get(step)
            if fault:
                yield fault, steps[number + 1 :]


def test_each_fault_has_the_bounds_that_its_scenario_judges():
    said = {
        fault: {what: bound for each in told for what, bound in SENTENCES.get(each, {}).items()}
        for fault, told in judged()
    }
    assert {fault: dict(given) for fault, given in BOUNDS.items()} == {
        fault: given for fault, given in said.items() if given
    }


def test_each_sentence_about_a_fault_is_known_here():
    assert {each for _, told in judged() for each in told} == {*SENTENCES, *BESIDE}


def test_bounds_are_of_known_moments_and_declared():
    named = {(what, field) for given in BOUNDS.values() for what, bound in given.items() for field in bound}
    assert {what for what, _ in named} | set(MUST_COME) <= set(ORDER)
    assert {field for _, field in named} <= set(Tolerances.model_fields)
