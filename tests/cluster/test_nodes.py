"""Signals to the containers of a node: to all of them or to none, and when."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.cluster import nodes
from seatrial.errors import EnvironmentFault

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on PATH")
CTR = """#!/bin/sh
[ "$1 $2 $3" = "--namespace=k8s.io tasks ps" ] || exit 2
[ -e "$CONTAINERS/$4" ] || exit 1
echo "PID INFO"
cat "$CONTAINERS/$4"
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine in place of a node, with a ``ctr`` that reads the processes of a container from a file here."""
    (tmp_path / "ctr").write_text(CTR, encoding="utf-8")
    (tmp_path / "ctr").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CONTAINERS", str(tmp_path))

    def here(node: str, *argv: str) -> str:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnvironmentFault(f"{node}: exit code {done.returncode}")
        return done.stdout

    monkeypatch.setattr(nodes, "node_exec", here)
    return tmp_path


@pytest.fixture
def processes(node: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two containers, one of two processes and one of one."""
    found = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    for name, members in {"first": found[:2], "second": found[2:]}.items():
        (node / name).write_text("".join(f"{each.pid} -\n" for each in members), encoding="utf-8")
    yield found
    for each in found:
        each.kill()
        each.wait()


@needs_bash
def test_every_process_of_every_container_is_signalled_at_the_moment_that_is_told(
    processes: list[subprocess.Popen[bytes]],
) -> None:
    began = time.time()
    at = nodes.signal_containers("worker", ["first", "second"], "SIGKILL")
    assert [each.wait(5) for each in processes] == [-signal.SIGKILL] * 3
    assert began <= at <= time.time()


@needs_bash
def test_nobody_is_signalled_when_one_container_is_not_there(processes: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(EnvironmentFault, match="exit code 1"):
        nodes.signal_containers("worker", ["first", "gone"], "SIGKILL")
    assert [each.poll() for each in processes] == [None] * 3


@needs_bash
def test_a_process_that_is_gone_already_spares_no_other(node: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    processes[0].kill()
    processes[0].wait()
    nodes.signal_containers("worker", ["first", "second"], "SIGKILL")
    assert [each.wait(5) for each in processes] == [-signal.SIGKILL] * 3
