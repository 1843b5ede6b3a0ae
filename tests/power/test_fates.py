"""What becomes of a seeded fault, by the results of the scenario that must find it."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.power.judge import Fate, judge
from seatrial.power.mutants import Expectation

EXPECTATION = Expectation(criterion="AC02", feature="a.feature", scenario="Even", reason=r"(?s)not even.*leads-c")
RIGHT = "leads: traffic is not even\n  observed  leads-c 0"
WRONG = "leads: nobody answers"


def result(verdict: str, reason: str = "", criterion: str = "AC02") -> dict[str, Any]:
    return {"name": "Even", "verdict": verdict, "reason": reason, "criteria": [criterion]}


PASSED = result("passed")


@pytest.mark.parametrize(
    ("results", "fate", "text"),
    [
        ([result("failed", RIGHT)], Fate.KILLED, RIGHT),
        ([result("failed", WRONG)], Fate.WRONG_REASON, WRONG),
        ([result("failed", "")], Fate.WRONG_REASON, ""),
        ([PASSED], Fate.SURVIVED, "the scenario passed"),
        ([], Fate.INCONCLUSIVE, "the scenario was not run"),
        ([result("inconclusive", "no fault was seen")], Fate.INCONCLUSIVE, "inconclusive: no fault was seen"),
        ([result("environment", "docker is away")], Fate.INCONCLUSIVE, "environment: docker is away"),
        ([result("skipped", "no gateway")], Fate.INCONCLUSIVE, "skipped: no gateway"),
    ],
)
def test_one_result_decides_the_fate(results: list[dict[str, Any]], fate: Fate, text: str):
    assert judge(EXPECTATION, results) == (fate, text)


@pytest.mark.parametrize("verdict", ["inconclusive", "environment", "skipped", "passed"])
def test_the_right_text_counts_only_in_a_failure(verdict: str):
    assert judge(EXPECTATION, [result(verdict, RIGHT)])[0] is not Fate.KILLED


def test_a_failure_of_another_criterion_does_not_count():
    assert judge(EXPECTATION, [result("failed", RIGHT, "AC01")]) == (Fate.WRONG_REASON, RIGHT)


def test_a_scenario_of_several_criteria_counts_for_each():
    both = result("failed", RIGHT) | {"criteria": ["AC01", "AC02"]}
    assert judge(EXPECTATION, [both]) == (Fate.KILLED, RIGHT)


@pytest.mark.parametrize(
    ("results", "fate", "text"),
    [
        ([PASSED, result("failed", RIGHT)], Fate.KILLED, RIGHT),
        ([result("failed", WRONG), result("failed", RIGHT)], Fate.KILLED, RIGHT),
        ([result("environment", "docker is away"), result("failed", RIGHT)], Fate.KILLED, RIGHT),
        ([PASSED, result("failed", WRONG)], Fate.WRONG_REASON, WRONG),
        ([result("skipped", "slow"), result("failed", WRONG)], Fate.WRONG_REASON, WRONG),
        ([PASSED, PASSED], Fate.SURVIVED, "the scenario passed"),
        ([PASSED, result("skipped", "slow")], Fate.INCONCLUSIVE, "skipped: slow"),
        ([result("failed", RIGHT), result("passed", "", "AC01")], Fate.WRONG_REASON, RIGHT),
    ],
)
def test_of_several_examples_one_that_fails_rightly_is_enough(results: list[dict[str, Any]], fate: Fate, text: str):
    assert judge(EXPECTATION, results) == (fate, text)


def test_a_reason_over_several_lines_is_searched_as_the_expression_says():
    one_line = EXPECTATION.model_copy(update={"reason": "not even.*leads-c"})
    assert judge(one_line, [result("failed", RIGHT)])[0] is Fate.WRONG_REASON
