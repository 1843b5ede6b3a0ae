"""Experiments run one after the other under load, and what is seen of them: looks at replicas, timelines, ledgers."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.chaos.conduct import conduct
from seatrial.chaos.history import History, Look, Run
from seatrial.chaos.ledger import NOTHING, Done, done_of
from seatrial.chaos.outcome import Outcome
from seatrial.chaos.plan import Plan
from seatrial.chaos.steady import prove_steady
from seatrial.chaos.surroundings import LEDGER_FILE, TIMELINE_FILE
from seatrial.cluster.client import Cluster
from seatrial.errors import Failed, Failure
from seatrial.load.activities import Activity, read_activities
from seatrial.load.records import LoadRecord
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import PodView
from seatrial.progress import Phases
from seatrial.system import System

LOAD = "load"
"""Folder below that of a series, for what customers did."""


@dataclass
class Series:
    """What has happened so far; it grows with each experiment."""

    cluster: Cluster
    system: System
    folder: Path
    runs: list[Run] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    interrupted: bool = False
    began: float = field(default_factory=time.time)

    def look(self, meanwhile: int = 0) -> None:
        """Look at all replicas; raises EnvironmentFault when they cannot be seen."""
        self.looks.append(Look(replicas(self.cluster, self.system), meanwhile))

    def folder_of(self, plan: Plan, number: int) -> Path:
        """Return where the records of one experiment lie."""
        return self.folder / f"{number:02d}-{plan.experiment.name}"

    def run(
        self, plan: Plan, number: int, phases: Phases, around: AbstractContextManager[object] | None = None
    ) -> Outcome:
        """Run one experiment to its verdict, in a folder of its own, between two looks; ``around`` has only that."""
        self.look()
        with around or nullcontext():
            outcome = conduct(plan, self.folder_of(plan, number), phases)
        self.runs.append(read_run(number, plan, outcome))
        self.look(meanwhile=number)
        return outcome

    def end(self, record: LoadRecord, phases: Phases) -> History:
        """Return the whole history, after a last look at the system; the load is over."""
        with phases.phase("last look at the system"):
            left = lacking(self.cluster, self.system)
            if not left:
                self.look()
        return History(
            tuple(self.runs),
            record,
            tuple(self.looks),
            left,
            tuple(self.troubles),
            self.interrupted,
            self.began,
            time.time() - self.began,
        )


def replicas(cluster: Cluster, system: System) -> tuple[PodView, ...]:
    """Return the replicas of all services; raises EnvironmentFault when they cannot be seen."""
    return tuple(pod for each in system.services for pod in observe_pods(cluster, system.namespace, each.workload))


def lacking(cluster: Cluster, system: System) -> tuple[Failure, ...]:
    """Return what the system lacks, and what faults left behind, when the bound for a rollout is over."""
    try:
        prove_steady(cluster, system, system.tolerances.rollout_seconds)
    except Failed as error:
        return error.failures
    return ()


def read_run(number: int, plan: Plan, outcome: Outcome) -> Run:
    """Return a run with what its folder says of it."""
    folder, extension = Path(outcome.folder), plan.experiment.extension
    return Run(number, outcome, extension.errors_during, plan.targets.places, activities_in(folder), harmed_in(folder))


def activities_in(folder: Path) -> tuple[Activity, ...]:
    """Return the timeline of a run; empty when it did not come to any."""
    timeline = folder / TIMELINE_FILE
    return read_activities(timeline) if timeline.exists() else ()


def harmed_in(folder: Path) -> Done:
    """Return what a run was permitted; nothing when it harmed nothing."""
    ledger = folder / LEDGER_FILE
    return done_of(ledger.read_text(encoding="utf-8")) if ledger.exists() else NOTHING
