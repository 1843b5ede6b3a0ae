"""The control: it bounds a run that has no runner, refuses foreign clusters, dates activities, and judges effects."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Strategy
from told_at_once import run_experiment

from seatrial.chaos import control
from seatrial.chaos.child import strategy_of
from seatrial.chaos.journal import Journal
from seatrial.chaos.probes import steady as probes
from seatrial.errors import GuardRefusal

EXTENSION = {
    "name": "seatrial",
    "select": "system",
    "blast_radius": {"pods": 2, "percent_ready": 34, "minutes": 3},
    "total_loss": True,
}
PROBE = {"type": "probe", "name": "effect-x", "tolerance": True}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without what a runner sets; what the control sets is taken back."""
    for name in ("SEATRIAL_LIMITS", "SEATRIAL_TIMELINE", "SEATRIAL_LOOK_ONCE", "SEATRIAL_KUBECONFIG"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_an_experiment_that_runs_alone_is_held_to_its_own_file() -> None:
    control.before_experiment_control({"extensions": [{"name": "other"}, EXTENSION]})
    limits = json.loads(os.environ["SEATRIAL_LIMITS"])
    assert (limits["pods"], limits["percent_ready"], limits["total_loss"]) == (2, 34, True)
    ledger = Path(limits["ledger"])
    assert ledger.exists()
    control.after_experiment_control({})
    assert not ledger.exists()


def test_limits_that_a_runner_set_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.touch()
    monkeypatch.setenv("SEATRIAL_LIMITS", json.dumps({"pods": 1, "ledger": str(ledger)}))
    control.before_experiment_control({"extensions": [EXTENSION]})
    control.after_experiment_control({})
    assert json.loads(os.environ["SEATRIAL_LIMITS"])["pods"] == 1
    assert ledger.exists()


@pytest.mark.parametrize("extensions", [None, [], [{"name": "seatrial"}]])
def test_without_an_extension_the_default_limits_stay(extensions: Any) -> None:
    control.before_experiment_control({"extensions": extensions})
    control.after_experiment_control({})
    assert "SEATRIAL_LIMITS" not in os.environ


@pytest.mark.parametrize(
    ("error", "told"), [(GuardRefusal("not ours"), "not ours"), (RuntimeError("odd"), "cannot be told: RuntimeError")]
)
def test_the_method_does_not_begin_on_a_cluster_that_may_not_be_harmed(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def refuse(_: object) -> None:
        raise error

    monkeypatch.setenv("SEATRIAL_KUBECONFIG", "/no/kubeconfig")
    monkeypatch.setattr(control, "require_owned", refuse)
    with pytest.raises(InterruptExecution, match=told):
        control.before_method_control({})


def test_without_a_kubeconfig_the_method_does_not_begin() -> None:
    with pytest.raises(InterruptExecution, match="SEATRIAL_KUBECONFIG is not set"):
        control.before_method_control({})


def test_while_the_method_runs_the_steady_state_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(control, "cluster_here", lambda: None)
    monkeypatch.setattr(control, "require_owned", lambda _: None)
    monkeypatch.setattr(probes, "cluster_here", lambda: None)
    monkeypatch.setattr(probes, "system_here", lambda: None)
    monkeypatch.setattr(probes, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(probes, "is_whole", lambda *_: looks.append(1) or len(looks) >= 3)
    control.before_method_control({})
    assert not probes.system_is_whole(within_seconds=5)
    assert len(looks) == 1
    control.after_method_control({})
    assert probes.system_is_whole(within_seconds=5)
    assert len(looks) == 3


@pytest.mark.parametrize(
    ("tolerance", "output", "met"),
    [
        (True, True, True),
        (True, False, False),
        ([1, 4], 3, True),
        ({"type": "regex", "pattern": "^T"}, "S", False),
        ({"type": "range", "range": [1, 9], "target": "packets"}, {"packets": 0}, False),
    ],
)
def test_what_a_probe_saw_is_compared_with_its_tolerance(tolerance: Any, output: Any, met: bool) -> None:
    run = {"status": "succeeded", "output": output}
    control.after_activity_control({**PROBE, "tolerance": tolerance}, run)
    assert run["tolerance_met"] is met


@pytest.mark.parametrize("run", [None, {"status": "failed", "output": None}])
def test_a_probe_that_saw_nothing_met_nothing(run: Any) -> None:
    control.after_activity_control(PROBE, run)
    assert not run or "tolerance_met" not in run


def test_each_activity_is_dated_in_the_timeline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEATRIAL_TIMELINE", str(tmp_path))
    control.before_activity_control(PROBE)
    control.after_activity_control(PROBE, {"status": "succeeded", "output": True})
    control.after_activity_control({"type": "action", "name": "crash"})
    lines = [json.loads(line) for line in (tmp_path / "timeline.jsonl").read_text().splitlines()]
    assert [(each["event"], each["name"], each.get("status")) for each in lines] == [
        ("start", "effect-x", None),
        ("end", "effect-x", "succeeded"),
        ("end", "crash", "aborted"),
    ]
    assert lines[0]["at"] <= lines[1]["at"]


def test_the_steady_state_is_watched_where_it_must_not_be_lost() -> None:
    assert strategy_of({"extensions": [EXTENSION]}) is Strategy.CONTINUOUS
    assert strategy_of({"extensions": [{**EXTENSION, "deviation_during": True}]}) is Strategy.DEFAULT
    assert strategy_of({}) is Strategy.DEFAULT


@pytest.fixture
def run(experiment: Any, environment: Mapping[str, str], tmp_path: Path) -> Any:
    """Runs an experiment of the tests' acts with changes to its document; returns its journal."""

    def of(act: str, then: str = "steady", **changes: Any) -> Journal:
        file = experiment(act, then=then)
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))
        return run_experiment(file, environment, tmp_path, within_seconds=90)

    return of


def test_a_journal_says_whether_the_effect_was_seen(run: Any) -> None:
    assert [each.tolerance_met for each in run("hit").effects] == [True]
    assert [each.tolerance_met for each in run("hit", then="unsteady").effects] == [False]
    assert [each.tolerance_met for each in run("hit", then="broken").effects] == [None]


def test_a_state_that_must_hold_is_looked_at_meanwhile(run: Any) -> None:
    assert run("hit").during == ()
    journal = run("pause", extensions=[EXTENSION])
    assert journal.during
    assert all(journal.during)


def test_the_projects_own_control_keeps_the_method_from_a_cluster_that_is_not_ours(run: Any) -> None:
    ours = {"name": "seatrial", "provider": {"type": "python", "module": "seatrial.chaos.control"}}
    journal = run("hit", controls=[ours])
    assert (journal.status, journal.before, journal.actions) == ("interrupted", True, ())
