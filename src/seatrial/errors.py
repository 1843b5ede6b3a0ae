"""Exceptions and verdicts: the one vocabulary for how anything in a trial can end.

SeaTrialError                 one clear line for a person; the command ends with ``exit_code``
├── UsageError                bad input: a file, a flag, a field
├── EnvironmentFault          the ground under the trial gave way (engine, cluster, vantage)
└── GuardRefusal              a destructive act was asked of a cluster that is not ours
Failed (AssertionError)       a criterion is not met; carries a Failure
Inconclusive                  the evidence does not support any verdict
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a scenario ended; the order is from best to worst for a summary."""

    PASSED = "passed"
    SKIPPED = "skipped"
    ENVIRONMENT = "environment"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


class SeaTrialError(Exception):
    """An error told in one line: what is wrong, where, and what would be right."""

    exit_code = 1

    def __init__(self, what: str, *, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}" if remedy else what)


class UsageError(SeaTrialError):
    """Bad input given by a person."""

    exit_code = 2


class EnvironmentFault(SeaTrialError):
    """The environment failed, not the system under test."""

    exit_code = 10


class GuardRefusal(SeaTrialError):
    """A destructive act was refused because the cluster is not known to be ours."""

    exit_code = 11


@dataclass(frozen=True, slots=True)
class Failure:
    """One unmet expectation, as its reader needs it; every field but the first three may be empty."""

    subject: str
    """What, with its address: ``leads (Service lead-platform/leads): traffic is not even``."""
    expected: str
    observed: str
    details: tuple[str, ...] = ()
    window: str = ""
    hint: str = ""
    """The first layer that is likely broken."""
    evidence: str = ""
    """Name of the attachment or file that holds the raw data."""

    def __str__(self) -> str:
        rows = [("expected", self.expected), ("observed", self.observed)]
        rows += [("", line) for line in self.details]
        rows += [("window", self.window), ("hint", self.hint), ("evidence", self.evidence)]
        return "\n".join([self.subject, *(f"  {label:<9} {text}" for label, text in rows if text)])


class Failed(AssertionError):
    """A criterion is not met. All failures of one judgement are told together."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = failures
        super().__init__("\n".join(str(failure) for failure in failures))


def fail_on(failures: Iterable[Failure]) -> None:
    """Raise Failed with all of them; do nothing when there is none."""
    found = tuple(failures)
    if found:
        raise Failed(*found)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why no verdict is possible, and what would make one possible."""

    subject: str
    missing: str
    remedy: str = ""
    details: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        lines = [self.subject, f"  missing   {self.missing}", *(f"            {line}" for line in self.details)]
        return "\n".join([*lines, f"  remedy    {self.remedy}"] if self.remedy else lines)


def doubt_on(doubts: Iterable[Doubt]) -> None:
    """Raise Inconclusive with all of them; do nothing when there is none."""
    found = tuple(doubts)
    if found:
        raise Inconclusive(*found)


class Inconclusive(Exception):
    """The evidence supports no verdict, for instance a fault that cannot be shown to have happened."""

    def __init__(self, *doubts: Doubt) -> None:
        self.doubts = doubts
        super().__init__("\n".join(str(doubt) for doubt in doubts))
