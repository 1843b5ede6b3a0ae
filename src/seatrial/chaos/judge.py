"""Judging an experiment by its journal: a green exit code proves nothing.

Chaos Toolkit ends with 0 when the steady state was not met at the start and the method was never run, and when an
action raised. So everything is looked at, and what did not happen is no evidence either way.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.chaos.journal import Activity, Journal
from seatrial.errors import Doubt, Failure, doubt_on, fail_on


def check_experiment(journal: Journal, *, allow_deviation_during: bool = False, evidence: str = "") -> None:
    """Raise Inconclusive when the experiment did not do what it says, Failed when the system did not stand it."""
    doubt_on(undone(journal))
    fail_on(deviations(journal, allow_deviation_during=allow_deviation_during, evidence=evidence))


def undone(journal: Journal) -> Iterator[Doubt]:
    """Yield why the experiment tells nothing about the system."""
    subject = f"experiment {journal.title!r}"
    if journal.before is not True:
        yield Doubt(subject, "a steady state before the fault", "heal the system, then run it again")
    elif journal.status != "completed":
        yield Doubt(subject, f"an end: it was {journal.status}", "see its log", tuple(map(_line, journal.activities)))
    elif not journal.actions:
        yield Doubt(subject, "a fault: no action was run", "see its log")
    for action in journal.actions:
        if action.status != "succeeded":
            yield Doubt(subject, f"its action {action.name!r}: {action.status}: {action.reason or 'no reason given'}")
        elif action.output in (None, [], {}, False):
            yield Doubt(subject, f"a target: its action {action.name!r} hit nothing", "see which replicas it names")


def deviations(journal: Journal, *, allow_deviation_during: bool, evidence: str) -> Iterator[Failure]:
    """Yield what the system, or the rollback, did not stand."""
    subject = f"experiment {journal.title!r}:"
    details = tuple(map(_line, (*journal.activities, *journal.rollbacks)))
    if journal.after is not True or journal.deviated:
        observed = "not asked" if journal.after is None else "not met after the fault"
        yield Failure(
            f"{subject} the system does not come back to its steady state",
            "steady state met",
            observed,
            details,
            evidence=evidence,
        )
    if not allow_deviation_during and not all(journal.during):
        missed = journal.during.count(False)
        yield Failure(
            f"{subject} the steady state is lost meanwhile",
            f"met each of {len(journal.during)} times",
            f"{missed} times not met",
            details,
            evidence=evidence,
        )
    for rollback in journal.rollbacks:
        if rollback.status != "succeeded":
            yield Failure(
                f"{subject} its rollback {rollback.name!r} did not work",
                "succeeded",
                f"{rollback.status}: {rollback.reason or 'no reason given'}",
                evidence=evidence,
            )


def _line(activity: Activity) -> str:
    return f"{activity.type} {activity.name}: {activity.status}{f' ({activity.reason})' if activity.reason else ''}"
