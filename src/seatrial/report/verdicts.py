"""From exceptions to verdicts, and from verdicts to pytest's outcomes, words and exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from seatrial.errors import EnvironmentFault, Failed, Inconclusive, SeaTrialError, Verdict

EXIT_ENVIRONMENT = EnvironmentFault.exit_code
LETTERS = {Verdict.INCONCLUSIVE: "I", Verdict.ENVIRONMENT: "V"}
"""Progress letters of the two verdicts that pytest has no word for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scenario ended, and why when it did not pass."""

    verdict: Verdict
    reason: str = ""


PASSED = Outcome(Verdict.PASSED)


def judge(error: BaseException | None) -> Outcome:
    """Map what a step or a fixture raised to a verdict; whatever is not foreseen is a failure."""
    match error:
        case None:
            return PASSED
        case pytest.skip.Exception():
            return Outcome(Verdict.SKIPPED, error.msg or "no reason given")
        case Inconclusive():
            return Outcome(Verdict.INCONCLUSIVE, str(error))
        case EnvironmentFault():
            return Outcome(Verdict.ENVIRONMENT, str(error))
        case Failed() | pytest.fail.Exception() | SeaTrialError():
            return Outcome(Verdict.FAILED, str(error))
        case _:
            return Outcome(Verdict.FAILED, f"{type(error).__name__}: {error}".removesuffix(": "))


def tells_itself(error: BaseException | None) -> bool:
    """Tell the errors whose text is written for a reader, and needs no traceback."""
    return isinstance(error, Failed | Inconclusive | SeaTrialError)


def judge_phase(report: pytest.TestReport, error: BaseException | None) -> Outcome:
    """Judge one phase (setup, call, teardown); what pytest itself decided (xfail, strict) is respected."""
    outcome = judge(error)
    if report.skipped and outcome.verdict is not Verdict.SKIPPED:
        return Outcome(Verdict.SKIPPED, str(getattr(report, "wasxfail", "")) or outcome.reason)
    if report.failed and error is None:
        return Outcome(Verdict.FAILED, str(report.longrepr))
    return outcome


def first_trouble(earlier: Outcome, now: Outcome) -> Outcome:
    """Keep the first phase that went wrong: what follows (a failing teardown) is most often its consequence."""
    fine_so_far = earlier.verdict in (Verdict.PASSED, Verdict.SKIPPED)
    return now if fine_so_far and now.verdict is not Verdict.PASSED else earlier


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Sum verdicts up: the worst one; skipped only when nothing else was run."""
    order = list(Verdict)
    ran = [verdict for verdict in verdicts if verdict is not Verdict.SKIPPED]
    return max(ran, key=order.index, default=Verdict.SKIPPED)


def exit_code(status: int, verdicts: Iterable[Verdict], *, other_failures: bool) -> int:
    """Return pytest's exit status, or 10 when nothing but the environment failed."""
    blamed = {Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT} & set(verdicts)
    only_environment = blamed == {Verdict.ENVIRONMENT} and not other_failures
    return EXIT_ENVIRONMENT if status == pytest.ExitCode.TESTS_FAILED and only_environment else status
