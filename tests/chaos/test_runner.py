"""The child process of an experiment: started, bounded, ended, and told by its log when something goes wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.chaos import runner
from seatrial.chaos.journal import read_journal
from seatrial.chaos.runner import run_experiment
from seatrial.children import end
from seatrial.errors import EnvironmentFault


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
    assert told[0] == "experiment no_such_act ended with 2, no journal:"
    assert told[-1].startswith("    ")
    assert "does not expose a function called 'no_such_act'" in told[-1]


def test_a_journal_of_an_earlier_run_is_not_taken_for_this_one(
    experiment: Any, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "die.journal.json").write_text("{}")
    with pytest.raises(EnvironmentFault, match="experiment die ended with -9, no journal:"):
        run_experiment(experiment("die"), environment, tmp_path, within_seconds=20)


def test_an_experiment_that_does_not_exist_is_told(environment: Mapping[str, str], tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r'Path ".*nowhere\.yaml" does not exist'):
        run_experiment(tmp_path / "nowhere.yaml", environment, tmp_path, within_seconds=20)


def test_ending_what_has_ended_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    child.wait()
    end(child, 1)
    assert child.returncode == 0
