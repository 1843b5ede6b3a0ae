"""A game day from its warm-up to its history: whatever ends it, nobody uses the system and nothing is broken after."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from seatrial.chaos.experiment_file import find_experiment, read_experiment
from seatrial.chaos.history import History, Run, judge_history
from seatrial.chaos.interruption import interruptible_once
from seatrial.chaos.judge import Judgement
from seatrial.chaos.plan import Plan, make_plan
from seatrial.chaos.series import Series
from seatrial.cluster.client import Cluster
from seatrial.errors import Doubt, Failure, SeaTrialError, Verdict
from seatrial.gameday.desk import Cause, Desk
from seatrial.gameday.plan import DayPlan, Entry
from seatrial.load.session import Customers
from seatrial.progress import Phases
from seatrial.system import System

LISTEN_SECONDS = 0.5
"""Between two looks at what people said, while nothing runs."""


class Fate(StrEnum):
    """What became of an experiment of the plan."""

    RUN = "run"
    CUT = "cut short"
    SKIPPED = "skipped"
    LEFT = "not reached"


@dataclass(frozen=True, slots=True)
class Step:
    """One experiment of the plan, and what became of it."""

    number: int
    entry: Entry
    fate: Fate = Fate.LEFT
    run: Run | None = None

    @property
    def name(self) -> str:
        return f"{self.number} {self.entry.name}"


@dataclass(frozen=True)
class Day:
    """What is asked for."""

    plan: DayPlan
    cluster: Cluster
    system: System
    system_file: Path
    folder: Path

    def planned(self, entry: Entry) -> Plan:
        """Return the run that an entry means now; raises as :func:`make_plan` does."""
        experiment = read_experiment(find_experiment(entry.name))
        return make_plan(experiment, self.cluster, self.system, self.system_file, entry.wish)


@dataclass(frozen=True)
class Held:
    """A day that is over."""

    history: History
    steps: tuple[Step, ...]


def hold(day: Day, customers: Customers, lookout: AbstractContextManager[object], desk: Desk, phases: Phases) -> Held:
    """Hold the day and return what happened.

    Ctrl-C, an abort, a stop condition, and trouble end it: the experiment rolls back, the system is healed and
    looked at. Nothing that is asked for after that keeps it from it.
    """
    series = Series(day.cluster, day.system, day.folder)
    steps = [Step(number, entry) for number, entry in enumerate(day.plan.experiments, 1)]
    with interruptible_once(desk.tell) as interruption:
        try:
            with customers, lookout:
                _go_through(day, steps, series, customers, desk, phases)
                customers.stop()
        except KeyboardInterrupt:
            desk.end("a person pressed Ctrl-C", Cause.PERSON)
        except SeaTrialError as error:
            desk.end(str(error))
        interruption.held = True
        series.troubles += [desk.ending] if desk.cause in (Cause.PERSON, Cause.TROUBLE) else []
        history = series.end(customers.so_far(), phases)
    return Held(history, tuple(steps))


def _go_through(day: Day, steps: list[Step], series: Series, customers: Customers, desk: Desk, phases: Phases) -> None:
    """Run each experiment of the plan; what became of it is written into its place among the steps."""
    pause = day.plan.load.warm_up_seconds
    desk.following, *later = (*(step.name for step in steps), "the end")
    for index, step in enumerate(steps):
        _wait(customers, desk, pause)
        if desk.ending:
            return
        desk.following = later[index]
        if desk.skipped():
            steps[index] = replace(step, fate=Fate.SKIPPED)
            continue
        steps[index] = _run(day, step, series, desk, phases)
        pause = step.entry.pause_seconds
        if desk.ending:
            return
    _wait(customers, desk, pause)


def _run(day: Day, step: Step, series: Series, desk: Desk, phases: Phases) -> Step:
    plan = day.planned(step.entry)
    desk.tell(f"{step.name}: expected: {step.entry.expect}")
    running = desk.running(step.name, series.folder_of(plan, step.number))
    outcome = series.run(plan, step.number, phases, running)
    desk.tell(str(outcome))
    asked = desk.skipped()  # one that came too late to cut it short is not meant for the next
    if outcome.interrupted and not asked:
        desk.end("a person pressed Ctrl-C", Cause.PERSON)
    return replace(step, fate=Fate.CUT if outcome.interrupted else Fate.RUN, run=series.runs[-1])


def _wait(customers: Customers, desk: Desk, seconds: float) -> None:
    """Have load alone for so long, and longer while the day is paused; raises EnvironmentFault when the load ends."""
    left = seconds
    while (left > 0 or desk.paused) and not desk.ending and not desk.skip_asked:
        customers.wait(min(left, LISTEN_SECONDS) if left > 0 else LISTEN_SECONDS)
        left -= LISTEN_SECONDS


def judge_day(held: Held, desk: Desk, title: str) -> Judgement:
    """Return the verdict of the day: passed only if all of its plan was run, and its whole history passes."""
    whole = judge_history(held.history, title)
    told = [str(each) for each in _stopped(desk, title)] + [str(each) for each in _left_out(held.steps, title)]
    verdict = Verdict.FAILED if desk.cause is Cause.CONDITION else whole.verdict
    if told and verdict is Verdict.PASSED:
        verdict = Verdict.INCONCLUSIVE
    return Judgement(verdict, tuple(dict.fromkeys((*told, *whole.reasons))))


def _stopped(desk: Desk, title: str) -> list[Failure]:
    if desk.cause is not Cause.CONDITION:
        return []
    hint = "the newest experiment, or what its expectation left out"
    return [Failure(f"{title}: a stop condition ended it", "no stop condition is met", desk.ending, hint=hint)]


def _left_out(steps: Sequence[Step], title: str) -> list[Doubt]:
    return [Doubt(title, f"{each.name}: {each.fate}") for each in steps if each.fate is not Fate.RUN]
