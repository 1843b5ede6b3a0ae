"""Verdicts: from exceptions, over the phases of a scenario, to the exit code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.errors import Doubt, EnvironmentFault, Failed, Failure, GuardRefusal, Inconclusive, UsageError, Verdict
from seatrial.report.verdicts import (
    PASSED,
    Outcome,
    exit_code,
    first_trouble,
    judge,
    judge_phase,
    tells_itself,
    worst,
)

FAILED = Failed(Failure("leads: traffic is not even", "33 %", "50 %"), Failure("users: no answer", "200", "refused"))
DOUBT = Inconclusive(Doubt("leads: no fault was seen", "proof", "look at the journal"))
TOLD = "leads: traffic is not even\n  expected  33 %\n  observed  50 %\nusers: no answer"
TOLD_IN_FULL = f"{TOLD}\n  expected  200\n  observed  refused"
DOUBT_TOLD = "leads: no fault was seen\n  missing   proof\n  remedy    look at the journal"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, PASSED),
        (FAILED, Outcome(Verdict.FAILED, TOLD_IN_FULL)),
        (DOUBT, Outcome(Verdict.INCONCLUSIVE, DOUBT_TOLD)),
        (EnvironmentFault("no engine", remedy="start it"), Outcome(Verdict.ENVIRONMENT, "no engine; start it")),
        (UsageError("no such overlay"), Outcome(Verdict.FAILED, "no such overlay")),
        (GuardRefusal("not ours"), Outcome(Verdict.FAILED, "not ours")),
        (pytest.skip.Exception("not promised"), Outcome(Verdict.SKIPPED, "not promised")),
        (pytest.skip.Exception(""), Outcome(Verdict.SKIPPED, "no reason given")),
        (pytest.fail.Exception("by hand"), Outcome(Verdict.FAILED, "by hand")),
        (ValueError("oops"), Outcome(Verdict.FAILED, "ValueError: oops")),
        (AssertionError(), Outcome(Verdict.FAILED, "AssertionError")),
        (TimeoutError(), Outcome(Verdict.FAILED, "TimeoutError")),
    ],
)
def test_an_error_has_one_verdict(error: BaseException | None, outcome: Outcome):
    assert judge(error) == outcome


@pytest.mark.parametrize(
    ("error", "answer"),
    [(FAILED, True), (DOUBT, True), (EnvironmentFault("x"), True), (AssertionError("x"), False), (None, False)],
)
def test_errors_of_ours_need_no_traceback(error: BaseException | None, answer: bool):
    assert tells_itself(error) is answer


def report(outcome: str, longrepr: str = "", **more: Any) -> Any:
    facts = {"skipped": outcome == "skipped", "failed": outcome == "failed", "longrepr": longrepr, **more}
    return SimpleNamespace(**facts)


@pytest.mark.parametrize(
    ("phase", "error", "outcome"),
    [
        (report("passed"), None, PASSED),
        (report("failed"), ValueError("oops"), Outcome(Verdict.FAILED, "ValueError: oops")),
        (report("skipped", wasxfail="known"), ValueError("oops"), Outcome(Verdict.SKIPPED, "known")),
        (report("skipped", wasxfail=""), ValueError("oops"), Outcome(Verdict.SKIPPED, "ValueError: oops")),
        (report("skipped"), pytest.skip.Exception("no"), Outcome(Verdict.SKIPPED, "no")),
        (report("failed", "[XPASS(strict)] known"), None, Outcome(Verdict.FAILED, "[XPASS(strict)] known")),
    ],
)
def test_what_pytest_decided_is_respected(phase: Any, error: BaseException | None, outcome: Outcome):
    assert judge_phase(phase, error) == outcome


def test_the_first_trouble_is_kept():
    broken, later = Outcome(Verdict.ENVIRONMENT, "engine"), Outcome(Verdict.FAILED, "teardown")
    skipped = Outcome(Verdict.SKIPPED, "not promised")
    assert first_trouble(PASSED, broken) is broken
    assert first_trouble(broken, later) is broken
    assert first_trouble(skipped, later) is later
    assert first_trouble(skipped, PASSED) is skipped


@pytest.mark.parametrize(
    ("verdicts", "sum_"),
    [
        ("passed skipped", "passed"),
        ("skipped skipped", "skipped"),
        ("", "skipped"),
        ("passed environment", "environment"),
        ("environment inconclusive", "inconclusive"),
        ("inconclusive failed environment passed", "failed"),
    ],
)
def test_the_worst_verdict_sums_up(verdicts: str, sum_: str):
    assert worst(map(Verdict, verdicts.split())) == sum_


@pytest.mark.parametrize(
    ("status", "verdicts", "other_failures", "code"),
    [
        (0, "passed skipped", False, 0),
        (1, "passed failed", False, 1),
        (1, "passed inconclusive", False, 1),
        (1, "environment passed skipped", False, 10),
        (1, "environment failed", False, 1),
        (1, "environment inconclusive", False, 1),
        (1, "environment", True, 1),
        (1, "", True, 1),
        (2, "environment", False, 2),
        (5, "", False, 5),
    ],
)
def test_only_an_environment_at_fault_ends_with_10(status: int, verdicts: str, other_failures: bool, code: int):
    assert exit_code(status, map(Verdict, verdicts.split()), other_failures=other_failures) == code
