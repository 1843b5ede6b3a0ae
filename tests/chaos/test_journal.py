"""Journals of real experiments: what Chaos Toolkit writes, read as it is meant."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from told_at_once import run_experiment

from seatrial.chaos.journal import Journal, journal_of, read_journal
from seatrial.chaos.judge import deviations, undone
from seatrial.errors import EnvironmentFault
from seatrial.waiting import eventually


@pytest.fixture
def run(experiment: Any, environment: Mapping[str, str], tmp_path: Path) -> Any:
    """Runs an experiment of these acts and returns its journal."""

    def of(act: str, **acts: str) -> Journal:
        return run_experiment(experiment(act, **acts), environment, tmp_path, within_seconds=20)

    return of


def told(journal: Journal) -> list[str]:
    """Return the first lines of all that speaks against an experiment."""
    missing = [doubt.missing for doubt in undone(journal)]
    return missing + [each.subject for each in deviations(journal, allow_deviation_during=False, evidence="")]


def test_an_experiment_that_works_is_read_whole(run: Any) -> None:
    began = time.time()
    journal = run("hit")
    assert (journal.title, journal.status, journal.deviated) == ("What comes of hit", "completed", False)
    assert (journal.before, journal.during, journal.after) == (True, (), True)
    assert [(each.type, each.name, each.output) for each in journal.activities] == [
        ("action", "hit", ["auth-1"]),
        ("probe", "effect-steady", True),
    ]
    assert [(each.name, each.tolerance_met) for each in journal.effects] == [("effect-steady", True)]
    assert [each.name for each in journal.actions] == ["hit"]
    assert [(each.name, each.status, each.reason) for each in journal.rollbacks] == [("undo", "succeeded", "")]
    assert began < journal.actions[0].start < time.time()
    assert told(journal) == []


def test_an_action_that_raises_is_completed_for_chaos_toolkit_but_told_in_one_line(run: Any, tmp_path: Path) -> None:
    journal = run("refuse")
    assert (journal.status, journal.deviated, journal.after) == ("completed", False, True)
    assert journal.actions[0].reason == "ValueError: auth-1 is not there"
    assert told(journal) == ["its action 'refuse': failed: ValueError: auth-1 is not there"]
    assert (tmp_path / "undone").exists()


def test_an_action_without_a_target_succeeds_for_chaos_toolkit_but_is_told(run: Any) -> None:
    journal = run("miss")
    assert journal.actions[0].status == "succeeded"
    assert told(journal) == ["a target: its action 'miss' hit nothing"]


def test_a_gate_that_is_not_met_never_runs_the_method_and_is_completed_all_the_same(run: Any) -> None:
    journal = run("hit", steady="unsteady")
    assert (journal.status, journal.deviated, journal.before, journal.after) == ("completed", False, False, None)
    assert journal.activities == ()
    assert told(journal)[0] == "a steady state before the fault"


def test_a_steady_state_that_is_lost_is_a_deviation(run: Any) -> None:
    journal = run("hit", steady="steady_once")
    assert (journal.before, journal.after, journal.deviated) == (True, False, True)
    assert told(journal) == ["experiment 'What comes of hit': the system does not come back to its steady state"]


def test_a_probe_that_breaks_proves_nothing(run: Any) -> None:
    journal = run("hit", steady="broken")
    assert (journal.status, journal.before) == ("failed", False)
    assert told(journal)[0] == "a steady state before the fault"


def test_a_rollback_that_raises_is_told(run: Any) -> None:
    journal = run("hit", undo="refuse")
    assert (journal.status, journal.deviated) == ("completed", False)
    assert told(journal) == ["experiment 'What comes of hit': its rollback 'refuse' did not work"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_signal_ends_the_method_at_once_and_the_rollbacks_run(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path, number: int, inherited: signal.Handlers
) -> None:
    """A background job of a shell hands on that SIGINT is ignored; the experiment must obey it all the same."""
    start = f"import signal; signal.signal({int(number)}, signal.SIG_IGN)\n" if inherited == signal.SIG_IGN else ""
    code = f"{start}import sys; from seatrial.chaos.child import main; sys.exit(main('{experiment('hang')}', 'j.json'))"
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=dict(environment), cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert child.stdin
        child.stdin.write(b"{}\n")
        child.stdin.close()
        child.stdin = None
        acting = tmp_path / "acting"
        eventually(acting.exists, until=bool, within_seconds=20, what="the action", every_seconds=0.02)
        sent = time.monotonic()
        child.send_signal(number)
        assert child.wait(10) == 0
        assert time.monotonic() - sent < 5
    finally:
        child.kill()
        child.communicate()
    journal = read_journal(tmp_path / "j.json")
    assert (journal.status, journal.after) == ("interrupted", None)
    assert "steady" not in [each.name for each in journal.activities]
    assert [(each.name, each.status) for each in journal.rollbacks] == [("undo", "succeeded")]
    assert (tmp_path / "undone").exists()
    assert told(journal)[0] == "an end: it was interrupted"


DOCUMENT: dict[str, Any] = {
    "experiment": {"title": "A crash"},
    "status": "completed",
    "deviated": False,
    "steady_states": {"before": None, "after": None, "during": []},
    "run": [],
    "rollbacks": [],
}


def test_a_steady_state_that_was_asked_meanwhile_is_read_each_time() -> None:
    during = [{"steady_state_met": True}, {"steady_state_met": False}]
    assert journal_of({**DOCUMENT, "steady_states": {"during": during}}).during == (True, False)


def test_a_time_without_a_zone_is_universal_time() -> None:
    run = {"activity": {"name": "hit", "type": "action"}, "status": "succeeded", "start": "1970-01-01T00:01:00"}
    assert journal_of({**DOCUMENT, "run": [run]}).activities[0].start == 60.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "completed"}', json.dumps({**DOCUMENT, "run": None})])
def test_a_journal_that_is_not_whole_is_the_environments_fault(tmp_path: Path, text: str) -> None:
    file = tmp_path / "journal.json"
    file.write_text(text)
    with pytest.raises(EnvironmentFault, match=f"the experiment left no journal that can be read in {file}: "):
        read_journal(file)


def test_a_journal_that_is_not_there_is_the_environments_fault(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"no journal that can be read in .*FileNotFoundError"):
        read_journal(tmp_path / "journal.json")
