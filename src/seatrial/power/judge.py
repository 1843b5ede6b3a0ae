"""Was a seeded fault found, and for the expected reason? Judged on the summary of a run that had it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seatrial.errors import Verdict
from seatrial.power.mutants import Expectation

Result = Mapping[str, Any]
"""One entry of ``scenarios`` in ``summary.json``."""


class Fate(StrEnum):
    """What became of a seeded fault; only the first is good."""

    KILLED = "killed"
    WRONG_REASON = "wrong reason"
    SURVIVED = "survived"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the matrix."""

    mutant: str
    overlay: str
    fault: str
    criterion: str
    fate: Fate
    reason: str
    """The failure text, or why there is none."""
    seconds: float


def judge(expectation: Expectation, results: Sequence[Result]) -> tuple[Fate, str]:
    """Return the fate and the text that shows it; only results of the expected scenario are given."""
    failed = [str(each["reason"]) for each in results if each["verdict"] == Verdict.FAILED]
    right = [reason for reason in failed if re.search(expectation.reason, reason)]
    if right and all(expectation.criterion in each["criteria"] for each in results):
        return Fate.KILLED, right[0]
    if failed:
        return Fate.WRONG_REASON, failed[0]
    if results and all(each["verdict"] == Verdict.PASSED for each in results):
        return Fate.SURVIVED, "the scenario passed"
    unclear = (f"{each['verdict']}: {each['reason']}" for each in results if each["verdict"] != Verdict.PASSED)
    return Fate.INCONCLUSIVE, next(unclear, "the scenario was not run")
