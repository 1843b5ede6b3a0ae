"""A process is known by its number and its start, an experiment's processes by their environment."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.chaos.processes import Process, naming, open_process, started, stop_all, this_process, with_variable

POLITE = (
    "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(0)); print('ready', flush=True); time.sleep(60)"
)
STUBBORN = "import signal, time; signal.signal(2, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """Value of a variable that only processes of this test have."""
    yield str(tmp_path / "undo.jsonl")
    stop_all("SEATRIAL_UNDO", str(tmp_path / "undo.jsonl"), within_seconds=0)


def run(script: str, mark: str, argument: str = "x") -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", script, argument],
        env={**os.environ, "SEATRIAL_UNDO": mark},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout
    child.stdout.readline()
    return child


def test_this_process_started_once_and_no_process_has_this_number() -> None:
    assert this_process() == Process(os.getpid(), started(os.getpid()) or 0)
    assert started(2**22 + 1) is None


def test_the_descriptor_of_a_process_becomes_readable_when_it_ends(mark: str) -> None:
    child = run(POLITE, mark)
    descriptor = open_process(Process(child.pid, started(child.pid) or 0))
    assert descriptor is not None
    assert select.select([descriptor], [], [], 0)[0] == []
    child.kill()
    assert select.select([descriptor], [], [], 5)[0] == [descriptor]
    os.close(descriptor)
    child.wait()


def test_another_process_with_the_same_number_is_not_the_one_that_was_meant(mark: str) -> None:
    assert open_process(Process(os.getpid(), 1)) is None
    assert open_process(Process(2**22 + 1, 1)) is None


def test_processes_are_found_by_the_whole_value_of_a_variable(mark: str) -> None:
    child = run(POLITE, mark)
    assert with_variable("SEATRIAL_UNDO", mark) == [child.pid]
    assert with_variable("SEATRIAL_UNDO", mark[:-1]) == []
    child.kill()
    child.wait()


def test_processes_are_found_by_an_argument(mark: str) -> None:
    child = run(POLITE, mark, argument=f"{mark}.order")
    assert naming(f"{mark}.order") == [child.pid]
    child.kill()
    child.wait()


def test_an_experiment_is_interrupted_and_ends_by_itself(mark: str) -> None:
    child = run(POLITE, mark)
    began = time.monotonic()
    threading.Thread(target=child.wait, daemon=True).start()  # as init does for a child whose parent is gone
    assert stop_all("SEATRIAL_UNDO", mark, within_seconds=10) == [child.pid]
    assert time.monotonic() - began < 8
    assert child.wait() == 0


def test_one_that_does_not_end_is_killed(mark: str) -> None:
    child = run(STUBBORN, mark)
    assert stop_all("SEATRIAL_UNDO", mark, within_seconds=0.3) == [child.pid]
    assert child.wait(5) == -9


def test_where_there_is_none_there_is_nothing_to_stop(mark: str) -> None:
    assert stop_all("SEATRIAL_UNDO", mark, within_seconds=5) == []
