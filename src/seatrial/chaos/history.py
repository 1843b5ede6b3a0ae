"""Experiments one after the other under load, and what their whole history shows beyond the verdict of each; pure.

No error and no restart is passed over: each belongs to an experiment that may cause it, or fails the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from seatrial.chaos.judge import Judgement
from seatrial.chaos.ledger import NOTHING, Done
from seatrial.chaos.outcome import Outcome
from seatrial.errors import Doubt, Failure, Verdict
from seatrial.load.activities import Activity
from seatrial.load.phases import BEFORE, Phase, phase_of
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.observe.records import PodView

GUARD = "guard-cluster"
"""The first action of each method, which harms nothing."""
CALM = "after"
"""How the time after a run is called, until the next one harms something."""


@dataclass(frozen=True)
class Run:
    """One experiment that was run, and what it did."""

    number: int
    """From 1."""
    outcome: Outcome
    errors_during: bool
    """Whether customers may see errors meanwhile."""
    places: tuple[str, ...] = ()
    activities: tuple[Activity, ...] = ()
    """From its timeline."""
    harmed: Done = NOTHING
    """From its ledger: all that it was permitted."""

    @property
    def name(self) -> str:
        return f"{self.number} {self.outcome.experiment}"

    @property
    def end(self) -> float:
        """When the system was healed, and that was looked at; Unix seconds."""
        return self.outcome.began + self.outcome.seconds

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The time from its first harm until it was healed: each action and what follows it until the next."""
        actions = [each for each in self.activities if each.type == "action" and each.activity != GUARD]
        actions.sort(key=lambda each: each.start)
        cuts = [*(each.start for each in actions), self.end]
        named = zip(actions, pairwise(cuts), strict=True)
        spans = (Phase(f"{self.name}: {each.activity}", start, end) for each, (start, end) in named)
        return tuple(each for each in spans if each.end > each.start)


@dataclass(frozen=True, slots=True)
class Look:
    """All replicas at one moment."""

    replicas: tuple[PodView, ...]
    meanwhile: int = 0
    """Number of the run that took place since the look before; 0 for none."""


@dataclass(frozen=True)
class History:
    """All that happened."""

    runs: tuple[Run, ...]
    record: LoadRecord
    looks: tuple[Look, ...] = ()
    left: tuple[Failure, ...] = ()
    """What the system lacked at the end, or what was left behind."""
    troubles: tuple[str, ...] = ()
    """Why it ended early, and what gave way."""
    interrupted: bool = False
    began: float = 0.0
    """Unix seconds."""
    seconds: float = 0.0
    phases: tuple[Phase, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "phases", phases_of_runs(self.runs, self.record))


def phases_of_runs(runs: Sequence[Run], record: LoadRecord) -> tuple[Phase, ...]:
    """Return the phases of all runs, and the calm before, between and after them, so that no time is left out."""
    if not record.requests:
        return ()
    at, calm, found = record.requests[0].start, BEFORE, []
    for run in runs:
        if run.phases:
            found += [Phase(calm, at, run.phases[0].start, False), *run.phases]
            at, calm = run.end, f"{CALM} {run.name}"
    found.append(Phase(calm, at, max(request.end for request in record.requests), False))
    return tuple(each for each in found if each.end > each.start)


def judge_history(history: History, subject: str) -> Judgement:
    """Return the verdict of the whole: passed only if every run passed and nothing is without its reason."""
    failures = [*history.left, *unexcused(history), *unexplained(history)]
    told = [*_of_runs(history, Verdict.FAILED), *map(str, failures)]
    doubts = [*_of_runs(history, Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT), *map(str, unproven(history, subject))]
    verdict = Verdict.FAILED if told else Verdict.INCONCLUSIVE if doubts else Verdict.PASSED
    return Judgement(verdict, tuple(dict.fromkeys((*told, *doubts))))


def _of_runs(history: History, *verdicts: Verdict) -> Iterator[str]:
    for run in history.runs:
        if run.outcome.verdict in verdicts:
            reasons = "\n".join(run.outcome.reasons) or "no reason given"
            yield f"{run.name}: {run.outcome.verdict}\n" + "\n".join(f"  {line}" for line in reasons.splitlines())


def unexcused(history: History) -> Iterator[Failure]:
    """Yield a failure for each phase in which customers saw errors that no experiment may cause."""
    excused = {phase for run in history.runs if run.errors_during for phase in run.phases}
    lost: dict[Phase, list[LoadRequest]] = {}
    for request in history.record.failed if history.phases else ():
        lost.setdefault(history.phases[phase_of(request, history.phases)], []).append(request)
    for phase, requests in lost.items():
        if phase not in excused:
            yield _errors(phase, requests, len(history.record.between(phase.start, phase.end).requests))


def _errors(phase: Phase, requests: Sequence[LoadRequest], made: int) -> Failure:
    where = f"in phase '{phase.name}'" if phase.is_fault else f"outside of any fault ('{phase.name}')"
    expected = "none: its file does not say errors_during" if phase.is_fault else "none: no fault was on"
    errors = LoadRecord(tuple(requests)).errors().most_common(3)
    first = requests[0].start - phase.start
    return Failure(
        f"customers saw errors {where}",
        expected,
        f"{len(requests)} of {made} requests failed: {', '.join(f'{hits} × {error}' for error, hits in errors)}",
        window=f"{phase.end - phase.start:.1f} s; the first began {first:+.1f} s from its beginning",
        evidence="load/load.csv.gz",
    )


def unexplained(history: History) -> Iterator[Failure]:
    """Yield a failure for each replica that was restarted while no experiment had harmed it, or its node."""
    runs = {run.number: run for run in history.runs}
    for before, after in pairwise(history.looks):
        run = runs.get(after.meanwhile)
        harmed = run.harmed if run else NOTHING
        earlier = {pod.uid: pod.restarts for pod in before.replicas}
        for pod in after.replicas:
            times = pod.restarts - earlier.get(pod.uid, 0)
            if times > 0 and pod.uid not in harmed.pods and pod.node not in harmed.nodes:
                yield _restart(pod, times, run)


def _restart(pod: PodView, times: int, run: Run | None) -> Failure:
    when = f"during {run.name}, which did not harm it" if run else "while no experiment was run"
    ended = f"; it ended as {pod.ended}" if pod.ended else ""
    return Failure(
        f"replica {pod.name} (on {pod.node}) was restarted by nobody",
        "no restart but of replicas in the ledger of an experiment",
        f"{times} {'restart' if times == 1 else 'restarts'} {when}{ended}",
        hint="its liveness probe, or its memory limit",
    )


def unproven(history: History, subject: str) -> Iterator[Doubt]:
    """Yield why the whole tells less than it was to tell."""
    if history.interrupted:
        yield Doubt(subject, "its end: a person interrupted it")
    for trouble in history.troubles:
        yield Doubt(subject, f"its end: {trouble}")
    if not history.runs:
        yield Doubt(subject, "an experiment: none was run")
    for run in history.runs:
        if run.phases and not history.record.between(run.phases[0].start, run.end).requests:
            remedy = "see load/work/load.log"
            yield Doubt(subject, f"customers: none made a request during {run.name}", remedy)
