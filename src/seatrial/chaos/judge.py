"""Judging an experiment by its journal: a green exit code proves nothing.

Chaos Toolkit ends with 0 when the steady state was not met at the start and the method was never run, and when an
action raised. So everything is looked at, and what did not happen is no evidence either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos.journal import Activity, Journal
from seatrial.errors import Doubt, Failure, Verdict, doubt_on, fail_on


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a run is worth, and every reason, as a person reads it."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


def judge(journal: Journal, *, deviation_during: bool, unhealed: Sequence[str] = (), evidence: str = "") -> Judgement:
    """Return the verdict of a run after the independent heal; pure. ``unhealed`` is what the system lacks since then.

    A system that is left broken, or a rollback that did not work, is failed whatever else is in doubt; otherwise doubt
    comes before judgement.
    """
    broken = list(_unhealed(journal, unhealed, evidence))
    broken += _failed_rollbacks(journal, evidence) if journal.actions else ()
    doubts = [*undone(journal), *unwatched(journal, deviation_during=deviation_during)]
    failures = [] if doubts else list(deviations(journal, allow_deviation_during=deviation_during, evidence=evidence))
    reasons = tuple(dict.fromkeys(map(str, (*broken, *doubts, *failures))))
    if broken or failures:
        return Judgement(Verdict.FAILED, reasons)
    return Judgement(Verdict.INCONCLUSIVE if doubts else Verdict.PASSED, reasons)


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
    else:
        yield from _unseen(journal, subject)
    for action in journal.actions:
        if action.status != "succeeded":
            yield Doubt(subject, f"its action {action.name!r}: {action.status}: {action.reason or 'no reason given'}")
        elif action.output in (None, [], {}, False):
            yield Doubt(subject, f"a target: its action {action.name!r} hit nothing", "see which replicas it names")


def _unseen(journal: Journal, subject: str) -> Iterator[Doubt]:
    """Yield why the fault cannot be said to have happened."""
    if not journal.effects:
        yield Doubt(subject, "its effect: no probe looked whether the fault happened", "add one named effect-…")
    for effect in journal.effects:
        if effect.status != "succeeded":
            yield Doubt(subject, f"its effect: {effect.name!r} {effect.status}: {effect.reason or 'no reason given'}")
        elif not effect.saw_it:
            saw = "was compared with nothing" if effect.tolerance_met is None else f"saw {effect.output!r}"
            yield Doubt(subject, f"its effect: {effect.name!r} {saw}", "see whether the fault reached its targets")


def unwatched(journal: Journal, *, deviation_during: bool) -> Iterator[Doubt]:
    """Yield when the steady state must not be lost meanwhile, and nobody looked."""
    if not deviation_during and journal.status == "completed" and journal.actions and not journal.during:
        missing = "a look at the steady state while the fault was on"
        yield Doubt(f"experiment {journal.title!r}", missing, "let its method take longer than a look")


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
    yield from _failed_rollbacks(journal, evidence)


def _failed_rollbacks(journal: Journal, evidence: str) -> Iterator[Failure]:
    for rollback in journal.rollbacks:
        if rollback.status != "succeeded":
            yield Failure(
                f"experiment {journal.title!r}: its rollback {rollback.name!r} did not work",
                "succeeded",
                f"{rollback.status}: {rollback.reason or 'no reason given'}",
                evidence=evidence,
            )


def _unhealed(journal: Journal, lacking: Sequence[str], evidence: str) -> Iterator[Failure]:
    if lacking:
        subject = f"experiment {journal.title!r}: the system is not whole after it was healed"
        hint = "run 'seatrial chaos heal'"
        yield Failure(subject, "steady state met", "; ".join(lacking), hint=hint, evidence=evidence)


def _line(activity: Activity) -> str:
    return f"{activity.type} {activity.name}: {activity.status}{f' ({activity.reason})' if activity.reason else ''}"
