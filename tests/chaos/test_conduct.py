"""A run to its verdict: whatever ends it, it is rolled back, healed, proven, and told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stakes import pod

from seatrial.chaos import conduct as conducting
from seatrial.chaos.conduct import conduct, healed, require_writable
from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.journal import Activity, Journal
from seatrial.chaos.outcome import Outcome, conclude
from seatrial.chaos.plan import Plan
from seatrial.chaos.runner import journal_file
from seatrial.chaos.targets import Targets
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, UsageError, Verdict
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system_file import parse_system
from seatrial.waiting import eventually

SYSTEM = parse_system(
    "{name: shop, namespace: shop, services: [{name: auth}], tolerances: {rollout_seconds: 0.1}}", "system.yaml"
)
CLUSTER = Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), "kind-seatrial")
EXPERIMENT = read_experiment(ROOT / "experiments" / "pod-kill.yaml")


def steady(met: bool) -> dict[str, Any]:
    return {"steady_state_met": met}


def ran(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    activity = {"name": name, "type": kind}
    return {"activity": activity, "status": "succeeded", "output": ["auth-1"], "start": "2026-01-01T00:00:00"} | changes


DOCUMENT: dict[str, Any] = {
    "experiment": {"title": "A replica is lost"},
    "status": "completed",
    "deviated": False,
    "steady_states": {"before": steady(True), "during": [], "after": steady(True)},
    "run": [ran("crash", "action"), ran("effect-gone", "probe", tolerance_met=True)],
    "rollbacks": [ran("heal-system", "action")],
}


class Run:
    """What the run is given and what comes of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.environment: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self.journal: dict[str, Any] | None = DOCUMENT
        self.error: BaseException | None = None
        self.interrupted = False
        """Whether a person presses Ctrl-C while the experiment runs."""
        self.lacking: tuple[str, ...] = ()
        monkeypatch.setattr(Cluster, "server", "https://127.0.0.1:6443")
        monkeypatch.setattr(conducting, "guarded", self._guard)
        monkeypatch.setattr(conducting, "least_privilege", self._account)
        monkeypatch.setattr(conducting, "standby", self._standby)
        monkeypatch.setattr(conducting, "heal", lambda *_: self.events.append("heal"))
        monkeypatch.setattr(conducting, "shortfalls", lambda *_: self.lacking)

    @contextmanager
    def _guard(self, *_: Any, lasting_seconds: float, permissions: Any) -> Iterator[dict[str, str]]:
        self.events.append(f"guard for {lasting_seconds:g} s")
        try:
            yield {"SEATRIAL_UNDO_CONFIGMAP": "seatrial-chaos/run-1"}
        finally:
            self.events.append("no guard")

    @contextmanager
    def _account(self, cluster: Cluster, account: Any, file: Path, *, within_seconds: float) -> Iterator[Cluster]:
        log = ", ".join(name for name in account.rules if name.startswith("seatrial"))
        self.events.append(f"account {account.name.rpartition('-')[0]}, which writes to {log}")
        try:
            yield replace(cluster, kubeconfig=file)
        finally:
            self.events.append("no account")

    @contextmanager
    def _standby(self, path: Path, folder: Path, known: dict[str, str]) -> Iterator[Any]:
        self.events.append(f"make {path.stem} ready")
        self.known = known
        journal_file(path, folder).unlink(missing_ok=True)
        yield SimpleNamespace(run=partial(self._run, path, folder))

    def _run(self, path: Path, folder: Path, environment: dict[str, str], *, within_seconds: float) -> None:
        self.events.append(f"run {path.stem} {within_seconds:g}")
        self.environment = environment
        if self.journal:
            (folder / f"{path.stem}.journal.json").write_text(json.dumps(self.journal))
        if self.interrupted:
            os.kill(os.getpid(), signal.SIGINT)
        if self.error:
            raise self.error


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


@pytest.fixture
def conducted(run: Run, tmp_path: Path) -> Callable[[], Outcome]:
    plan = Plan(EXPERIMENT, CLUSTER, SYSTEM, Path("/shop/system.yaml"), Targets(pods=(pod("auth-1"),)), seed=7)
    return lambda: conduct(plan, tmp_path / "run", Phases())


def test_a_run_that_was_survived_passes_and_leaves_its_records(
    run: Run, conducted: Callable[[], Outcome], tmp_path: Path
) -> None:
    outcome = conducted()
    assert (outcome.verdict, outcome.reasons, outcome.exit_code) == (Verdict.PASSED, (), 0)
    assert run.events == [
        "make pod-kill ready",
        "guard for 300 s",
        "account seatrial-pod-kill, which writes to seatrial-chaos",
        "run pod-kill 300",
        "no account",
        "no guard",
        "heal",
    ]
    folder = tmp_path / "run"
    assert json.loads((folder / "result.json").read_text())["verdict"] == "passed"
    assert (folder / "summary.txt").read_text().startswith("PASSED pod-kill (0 s, seed 7, targets: auth-1)\n")
    assert (folder / "plan.txt").read_text().startswith("pod-kill: A replica that is deleted by force")


def test_its_process_gets_the_limited_kubeconfig_limits_and_targets(run: Run, conducted: Callable[[], Outcome]) -> None:
    conducted()
    assert run.known.items() <= run.environment.items()
    assert {"SEATRIAL_UNDO", "SEATRIAL_TARGETS", "KUBECONFIG"} <= run.known.keys()
    assert run.environment["SEATRIAL_KUBECONFIG"] == run.environment["KUBECONFIG"] != str(CLUSTER.kubeconfig)
    assert run.environment["SEATRIAL_TARGETS"] == r"^(auth\-1)$"
    assert json.loads(run.environment["SEATRIAL_LIMITS"])["percent_ready"] == 50


def test_an_effect_that_was_not_seen_is_inconclusive(run: Run, conducted: Callable[[], Outcome]) -> None:
    run.journal = DOCUMENT | {"run": [ran("crash", "action"), ran("effect-gone", "probe", tolerance_met=False)]}
    outcome = conducted()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 1)
    assert "its effect: 'effect-gone' saw ['auth-1']" in outcome.reasons[0]


def test_a_system_that_stays_broken_is_failed(run: Run, conducted: Callable[[], Outcome]) -> None:
    run.lacking = ("auth has 2 available and 2 published of 3 replicas",)
    outcome = conducted()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.FAILED, 1)
    assert "observed  auth has 2 available and 2 published of 3 replicas" in str(outcome)


def test_an_experiment_beyond_its_time_is_inconclusive_and_healed(run: Run, conducted: Callable[[], Outcome]) -> None:
    run.error = EnvironmentFault("experiment pod-kill did not end in 180 s and was rolled back")
    run.journal = DOCUMENT | {"status": "interrupted"}
    outcome = conducted()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 1)
    assert outcome.reasons[0] == "experiment pod-kill did not end in 180 s and was rolled back"
    assert "missing   an end: it was interrupted" in outcome.reasons[1]
    assert run.events[-1] == "heal"


def test_a_run_that_could_not_begin_is_the_environments_fault(run: Run, conducted: Callable[[], Outcome]) -> None:
    run.error, run.journal = EnvironmentFault("no token"), None
    outcome = conducted()
    assert (outcome.verdict, outcome.exit_code, outcome.reasons) == (Verdict.ENVIRONMENT, 10, ("no token",))
    assert run.events[-1] == "heal"


def test_a_person_who_interrupts_gets_130_after_the_heal(run: Run, conducted: Callable[[], Outcome]) -> None:
    before = signal.getsignal(signal.SIGINT)
    run.interrupted, run.journal = True, DOCUMENT | {"status": "interrupted"}
    outcome = conducted()
    assert (outcome.verdict, outcome.exit_code, outcome.interrupted) == (Verdict.INCONCLUSIVE, 130, True)
    assert outcome.reasons[0] == "a person interrupted it"
    assert run.events[-1] == "heal"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_in_another_thread_leaves_signals_alone(conducted: Callable[[], Outcome]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(conducted).result().verdict is Verdict.PASSED
    assert signal.getsignal(signal.SIGINT) is before


def test_an_older_journal_is_not_taken_for_this_run(run: Run, conducted: Callable[[], Outcome], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "pod-kill.journal.json").write_text(json.dumps(DOCUMENT))
    run.journal = None
    outcome = conducted()
    assert (outcome.verdict, outcome.reasons) == (Verdict.ENVIRONMENT, ("the experiment left no journal",))


def test_nothing_is_touched_where_nothing_can_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    plan = Plan(EXPERIMENT, CLUSTER, SYSTEM, Path("/shop/system.yaml"), Targets(), seed=7)
    with pytest.raises(UsageError) as caught:
        conduct(plan, tmp_path / "file" / "run", Phases())
    assert str(caught.value) == (
        f"--reports: nothing can be written to {tmp_path}/file/run: Not a directory; nothing was touched; "
        "name another folder"
    )
    assert run.events == []
    require_writable(tmp_path / "new" / "run")


def test_a_cluster_that_does_not_answer_is_not_healed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise EnvironmentFault("the API server does not answer")

    monkeypatch.setattr(conducting, "heal", refuse)
    assert healed(CLUSTER, SYSTEM) == ("the API server does not answer",)


def test_a_system_that_comes_back_late_is_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [("auth has 2",), (), ()]
    monkeypatch.setattr(conducting, "shortfalls", lambda *_: looks.pop(0))
    monkeypatch.setattr(conducting, "POLL_SECONDS", 0.001)
    assert healed(CLUSTER, SYSTEM) == ()


def test_without_a_journal_a_broken_system_is_failed_all_the_same() -> None:
    judged = conclude(None, deviation_during=True, fault="no token", lacking=("auth has 2",), evidence="there")
    assert (judged.verdict, judged.reasons) == (Verdict.FAILED, ("no token", "after it was healed, auth has 2"))
    whole = Journal("t", "completed", False, True, (), True, (Activity("a", "action", "succeeded", 1, "", 0.0),), ())
    judged = conclude(whole, deviation_during=True, fault="the dead man acted", lacking=(), evidence="there")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reasons[0] == "the dead man acted"


SCRIPT = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
from seatrial.chaos import conduct as conducting
from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.plan import Plan
from seatrial.chaos.runner import journal_file
from seatrial.chaos.targets import Targets
from seatrial.cluster.client import Cluster
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system_file import parse_system

@contextmanager
def account(cluster, account, file, *, within_seconds):
    yield cluster

def heal(cluster, system):
    Path("healing").touch()
    time.sleep(0.3)
    Path("healed").touch()

@contextmanager
def guarded(*_, **__):
    yield {}

conducting.guarded, conducting.least_privilege, conducting.heal = guarded, account, heal
conducting.shortfalls = lambda cluster, system: ()
Cluster.server = "https://127.0.0.1:6443"
real = read_experiment(ROOT / "experiments" / "pod-kill.yaml")
experiment = type(real)(Path("hang.yaml").resolve(), real.document, real.extension)
system = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
plan = Plan(experiment, Cluster(Path("k"), Path("k")), system, Path("system.yaml"), Targets(), 7)
sys.exit(conducting.conduct(plan, Path("run"), Phases()).exit_code)
"""


def test_ctrl_c_twice_rolls_back_heals_and_ends_with_130(
    experiment: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    experiment("hang")
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, **environment, "SEATRIAL_CACHE": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        acting = tmp_path / "run" / "acting"
        eventually(acting.exists, until=bool, within_seconds=90, what="the experiment acts")
        child.send_signal(signal.SIGINT)
        eventually((tmp_path / "healing").exists, until=bool, within_seconds=90, what="it heals", every_seconds=0.02)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130, told
    assert (tmp_path / "run" / "undone").exists()
    assert (tmp_path / "healed").exists()
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["verdict"], result["interrupted"]) == ("inconclusive", True)
    assert "already stopping: what was done is rolled back and healed first" in told
