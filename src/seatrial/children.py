"""Child processes that use or disturb the system: modest, bounded, and never left running."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TAIL_LINES = 12
MODESTLY = ("nice", "-n", "10")
"""Before the command of a child: whoever disturbs or uses the system must not take the cores from it."""


def start(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own, with all its output in ``log``; ``folder`` is where it runs."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*MODESTLY, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=stdin,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )


def run_to_end(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    *,
    within_seconds: float,
    end_seconds: float,
) -> int | None:
    """Run a child to its end and return its exit code; None when it had to be interrupted because time was over.

    Whatever ends the wait, the child is gone when this returns.
    """
    child = start(command, log, environment, folder)
    with suppress(subprocess.TimeoutExpired), ended_on_error(child, end_seconds):
        return child.wait(within_seconds)
    return None


@contextmanager
def ended_on_error(child: subprocess.Popen[bytes], end_seconds: float) -> Iterator[None]:
    """End a child when anything is raised, and raise that when the child is gone."""
    try:
        yield
    except BaseException:
        end(child, end_seconds)
        raise


def end(child: subprocess.Popen[bytes], within_seconds: float) -> None:
    """Interrupt a child as Ctrl-C does and wait until it has cleaned up; kill its whole group when it does not end."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(within_seconds)
    except subprocess.TimeoutExpired:
        kill(child)


def kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child that has not ended, and its whole group."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def tail(log: Path) -> str:
    """Return the last lines of a child's output, indented."""
    lines = log.read_text(errors="replace").strip().splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)
