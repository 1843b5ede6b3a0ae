"""The child process of an experiment: started, bounded, ended, and told by its log when something goes wrong."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from told_at_once import run_experiment

from seatrial.chaos import runner
from seatrial.chaos.child import await_word
from seatrial.chaos.journal import read_journal
from seatrial.chaos.processes import with_variable
from seatrial.chaos.runner import standby
from seatrial.children import end
from seatrial.errors import EnvironmentFault
from seatrial.waiting import eventually


def is_running(word: Path) -> bool:
    """Answer whether a process has this path among its arguments."""
    found = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return any(str(word).encode() in command for command in found)


def test_journal_and_log_stay_under_the_experiments_name(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "evidence" / "auth-1"
    run_experiment(experiment("hit"), environment, folder, within_seconds=20)
    assert {path.name for path in folder.iterdir()} >= {"hit.journal.json", "hit.log"}
    assert "What comes of hit" in (folder / "hit.log").read_text()


def test_an_experiment_beyond_its_bound_is_rolled_back_and_gone(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = experiment("hang")
    with pytest.raises(EnvironmentFault) as caught:
        run_experiment(file, environment, tmp_path, within_seconds=3)
    log = tmp_path / "hang.log"
    assert str(caught.value) == f"experiment hang did not end in 3 s and was rolled back; log: {log}"
    assert read_journal(tmp_path / "hang.journal.json").status == "interrupted"
    assert (tmp_path / "undone").exists()
    assert not is_running(file)


def test_a_rollback_without_end_is_killed(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "ROLLBACK_SECONDS", 1.0)
    file, began = experiment("hang", undo="undo_forever"), time.monotonic()
    with pytest.raises(EnvironmentFault, match="experiment hang did not end in 3 s"):
        run_experiment(file, environment, tmp_path, within_seconds=3)
    assert time.monotonic() - began < 10
    assert not is_running(file)


def test_an_invalid_experiment_is_told_by_its_log(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        run_experiment(experiment("no_such_act"), environment, tmp_path, within_seconds=20)
    told = str(caught.value).splitlines()
    where = f"its output is in {tmp_path / 'no_such_act.log'}, last lines:"
    assert told[0] == f"experiment no_such_act ended with 2 and left no journal; {where}"
    assert told[-1].startswith("    ")
    assert "does not expose a function called 'no_such_act'" in told[-1]


def test_a_journal_of_an_earlier_run_is_not_taken_for_this_one(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "die.journal.json").write_text("{}")
    with pytest.raises(EnvironmentFault, match="experiment die ended with -9 and left no journal; "):
        run_experiment(experiment("die"), environment, tmp_path, within_seconds=20)


def test_an_experiment_begins_only_when_it_is_told(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = experiment("hit")
    with standby(file, tmp_path, environment) as ready:
        eventually(lambda: is_running(file), until=bool, within_seconds=5, what="the child")
    assert ready.child.returncode == -9
    assert not is_running(file)
    assert not (tmp_path / "hit.journal.json").exists()


def test_an_experiment_whose_runner_vanishes_before_its_word_ends(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    with standby(experiment("hit"), tmp_path, environment) as ready:
        assert ready.child.stdin
        ready.child.stdin.close()
        assert ready.child.wait(20) == 3
    assert "Traceback" not in (tmp_path / "hit.log").read_text()


def test_a_word_that_is_cut_short_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    assert not await_word(io.StringIO('{"SEATRIAL_NODE": "a"}'))
    assert os.environ == {}


def test_an_experiment_knows_what_it_was_told_and_carries_what_it_started_with(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    known_by = {**environment, "SEATRIAL_UNDO": f"{tmp_path}/undo.jsonl"}
    with standby(experiment("tell"), tmp_path, known_by) as ready:
        # between the return of a start and this, the kernel shows an empty environment for a moment
        known = eventually(
            lambda: with_variable("SEATRIAL_UNDO", f"{tmp_path}/undo.jsonl"),
            until=bool,
            within_seconds=5,
            what="the child's environment",
        )
        assert known == [ready.child.pid]
        ready.run({"SEATRIAL_NODE": "worker"}, within_seconds=20)
    assert (tmp_path / "told").read_text() == f"worker {tmp_path}/undo.jsonl"


def test_an_experiment_that_does_not_exist_is_told(environment: Mapping[str, str], tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r'Path ".*nowhere\.yaml" does not exist'):
        run_experiment(tmp_path / "nowhere.yaml", environment, tmp_path, within_seconds=20)


def test_ending_what_has_ended_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    child.wait()
    end(child, 1)
    assert child.returncode == 0
