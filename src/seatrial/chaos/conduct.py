"""One run from its beginning to its verdict: account, child, rollbacks, an independent heal, and its proof."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from seatrial.chaos.account import least_privilege
from seatrial.chaos.deadman import guarded
from seatrial.chaos.heal import heal
from seatrial.chaos.interruption import interruptible_once
from seatrial.chaos.journal import Journal, read_journal
from seatrial.chaos.outcome import Outcome, conclude, keep
from seatrial.chaos.plan import Plan, describe
from seatrial.chaos.rights import account_of, permissions_of
from seatrial.chaos.runner import journal_file, standby
from seatrial.chaos.shortfalls import shortfalls
from seatrial.chaos.surroundings import TIMELINE_FILE, UNDO, bounded, undo_log
from seatrial.chaos.undo import CONFIG_MAP
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failed, SeaTrialError, UsageError
from seatrial.progress import Phases
from seatrial.system import System
from seatrial.waiting import eventually

PLAN = "plan.txt"
POLL_SECONDS = 1.0
"""Between two looks whether the system is whole: seldom enough to leave the cores to those who heal."""


def require_writable(folder: Path) -> None:
    """Make the folder of a run; raises UsageError when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = f"--reports: nothing can be written to {folder}: {error.strerror}; nothing was touched"
        raise UsageError(what, remedy="name another folder") from error


def conduct(plan: Plan, folder: Path, phases: Phases) -> Outcome:
    """Run an experiment and return what came of it; its records stay in ``folder``.

    Whatever ends it, the child rolls back, the system is healed, and it is looked at whether that worked. A first
    Ctrl-C ends the run early; any further one changes nothing until all is healed. Raises UsageError when the folder
    cannot be written: nothing was touched then.
    """
    folder = folder.resolve()
    require_writable(folder)
    (folder / PLAN).write_text("".join(f"{line}\n" for line in describe(plan)), encoding="utf-8")
    began, fault = time.time(), ""
    with interruptible_once(phases.say) as interruption:
        try:
            guarded_run(plan, folder, phases)
        except KeyboardInterrupt:
            fault = "a person interrupted it"
        except (SeaTrialError, Failed) as error:
            fault = str(error)
        interruption.held = True
        with phases.phase("heal, and proof of the steady state"):
            lacking = healed(plan.cluster, plan.system)
        judgement = conclude(
            _journal(plan, folder),
            deviation_during=plan.experiment.extension.deviation_during,
            fault=fault,
            lacking=lacking,
            evidence=str(folder),
        )
        outcome = Outcome(
            experiment=plan.experiment.name,
            criteria=plan.experiment.criteria,
            seed=plan.seed,
            targets=(*(pod.name for pod in plan.targets.pods), *filter(None, (plan.targets.node,))),
            verdict=judgement.verdict,
            reasons=judgement.reasons,
            began=began,
            seconds=time.time() - began,
            interrupted=interruption.asked,
            folder=str(folder),
        )
        keep(outcome, folder)
    return outcome


def guarded_run(plan: Plan, folder: Path, phases: Phases) -> Journal:
    """Run an experiment under an account of its own, and return its journal.

    Meanwhile the guard stands that puts everything back when this process vanishes. The experiment's process makes
    ready while guard and account are made: the watchdog knows it by the undo log, and it knows where its account will
    be, for libraries look that up when they are imported. Until then nothing is there.
    """
    experiment, system, suffix = plan.experiment, plan.system, secrets.token_hex(3)
    permissions = permissions_of(experiment, system)
    with TemporaryDirectory(prefix="seatrial-") as private:
        kubeconfig = Path(private) / "kubeconfig"
        known = plan.environment(replace(plan.cluster, kubeconfig=kubeconfig)) | {UNDO: str(undo_log(folder))}
        with (
            standby(experiment.path, folder, known) as ready,
            guarded(
                plan.cluster, system, folder, lasting_seconds=plan.within_seconds, permissions=permissions
            ) as guard,
        ):
            account = account_of(experiment, system, suffix, guard.get(CONFIG_MAP, ""))
            within = system.tolerances.permission_seconds
            with (
                least_privilege(plan.cluster, account, kubeconfig, within_seconds=within) as limited,
                phases.phase(f"experiment {experiment.name}", then="heal") as note,
            ):
                note(lambda: _last_line(folder / TIMELINE_FILE))
                environment = plan.environment(limited) | bounded(experiment.extension, folder) | dict(guard)
                return ready.run(environment, within_seconds=plan.within_seconds)


def healed(cluster: Cluster, system: System) -> tuple[str, ...]:
    """Heal the system, wait until it is whole, and return what it still lacks when the bound is over."""
    try:
        heal(cluster, system)
        eventually(
            lambda: shortfalls(cluster, system),
            until=lambda lacking: not lacking,
            within_seconds=system.tolerances.rollout_seconds,
            what="the system after it was healed",
            every_seconds=POLL_SECONDS,
        )
    except Failed:
        return shortfalls(cluster, system) or ("it came back later than its bound",)
    except SeaTrialError as error:
        return (str(error),)
    return ()


def _journal(plan: Plan, folder: Path) -> Journal | None:
    path = journal_file(plan.experiment.path, folder)
    try:
        return read_journal(path) if path.exists() else None
    except EnvironmentFault:
        return None


def _last_line(timeline: Path) -> str:
    try:
        return timeline.read_text(encoding="utf-8").splitlines()[-1]
    except (OSError, IndexError):
        return "begins"
