"""Steps that run a Chaos Toolkit experiment."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from pytest_bdd import parsers, when

from seatrial.chaos import faults
from seatrial.chaos.journal import Journal
from seatrial.chaos.judge import check_experiment
from seatrial.chaos.outage import Fault
from seatrial.chaos.runner import run_experiment
from seatrial.chaos.surroundings import surroundings
from seatrial.errors import UsageError
from seatrial.observe.flow import Flow
from seatrial.observe.records import PodView
from seatrial.paths import ROOT
from seatrial.plugin import TrialOptions
from seatrial.report.evidence import Collectors, Evidence
from steps.health import Outages, suffer

EXPERIMENTS = ROOT / "experiments"


@when(parsers.parse('the experiment "{name}" is run on every service'), target_fixture="outages")
def experiment_is_run(
    name: str,
    flow: Flow,
    dice: random.Random,
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Outages:
    window = flow.system.tolerances.crash_window_seconds
    fault = fault_of(name, runner(name, flow, trial_options.system, evidence), window)
    return suffer(flow, fault, dice, evidence, on_failure, fewest_restarts=name != "pod-kill")


def fault_of(name: str, run: Callable[[str], Journal], window_seconds: float) -> Fault:
    """Return what an experiment does to its victims, and what proves it."""
    if name == "process-crash":
        return faults.by_experiment("crashes", run, crashed_at, faults.was_restarted, window_seconds)
    if name == "pod-kill":
        return faults.by_experiment("is deleted by force", run, acted_at, faults.is_gone)
    raise UsageError(f"no step knows what proves the experiment {name!r}", remedy="use process-crash or pod-kill")


def runner(name: str, flow: Flow, system_file: Path, evidence: Evidence) -> Callable[[str], Journal]:
    """Return a function that runs the experiment on pods of a name pattern, and judges its journal."""

    def run(targets: str) -> Journal:
        environment = surroundings(flow.cluster, flow.system, system_file, targets)
        bound = flow.system.tolerances.rollout_seconds
        journal = run_experiment(EXPERIMENTS / f"{name}.yaml", environment, evidence.folder, within_seconds=bound)
        check_experiment(journal, evidence=evidence.json(f"experiment {name}", journal))
        return journal

    return run


def acted_at(journal: Journal, victim: PodView) -> float:
    """Return when the last action of the method began: chaosk8s dates no single target."""
    return journal.actions[-1].start


def crashed_at(journal: Journal, victim: PodView) -> float:
    """Return when the victim's process was killed, as the action itself recorded."""
    return next(target["at"] for target in journal.actions[-1].output if target["uid"] == victim.uid)
