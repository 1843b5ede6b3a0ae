"""Steps that run a Chaos Toolkit experiment."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from pathlib import Path

from pytest_bdd import parsers, when

from seatrial.chaos import faults
from seatrial.chaos.account import least_privilege
from seatrial.chaos.experiment_file import find_experiment, read_experiment
from seatrial.chaos.journal import Journal
from seatrial.chaos.judge import check_experiment
from seatrial.chaos.outage import Fault
from seatrial.chaos.rights import account_of
from seatrial.chaos.runner import run_experiment
from seatrial.chaos.surroundings import bounded, surroundings
from seatrial.errors import UsageError
from seatrial.observe.flow import Flow
from seatrial.observe.records import PodView
from seatrial.plugin import TrialOptions
from seatrial.report.evidence import Collectors, Evidence
from steps.health import Outages, suffer


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

    experiment = read_experiment(find_experiment(name))
    account = account_of(experiment, flow.system, secrets.token_hex(3))
    tolerances = flow.system.tolerances

    def run(targets: str) -> Journal:
        with least_privilege(flow.cluster, account, within_seconds=tolerances.permission_seconds) as limited:
            environment = surroundings(limited, flow.system, system_file, targets)
            environment |= bounded(experiment.extension, evidence.folder)
            bound = tolerances.rollout_seconds
            journal = run_experiment(experiment.path, environment, evidence.folder, within_seconds=bound)
        kept = evidence.json(f"experiment {name}", journal)
        check_experiment(journal, allow_deviation_during=experiment.extension.deviation_during, evidence=kept)
        return journal

    return run


def acted_at(journal: Journal, victim: PodView) -> float:
    """Return when the last action of the method began: chaosk8s dates no single target."""
    return journal.actions[-1].start


def crashed_at(journal: Journal, victim: PodView) -> float:
    """Return when the victim's process was killed, as the action itself recorded."""
    return next(target["at"] for target in journal.actions[-1].output if target["uid"] == victim.uid)
