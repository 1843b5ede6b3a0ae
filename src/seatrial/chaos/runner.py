"""Running an experiment in a child process, and never leaving it running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from seatrial.chaos.journal import Journal, read_journal
from seatrial.errors import EnvironmentFault

ROLLBACK_SECONDS = 60.0
"""How long an interrupted experiment may take to roll back before it is killed."""
TAIL_LINES = 12
MODESTLY = ("nice", "-n", "10")
"""Before the command of a child: whoever disturbs or uses the system must not take the cores from it."""


def run_experiment(experiment: Path, environment: Mapping[str, str], folder: Path, *, within_seconds: float) -> Journal:
    """Run it to its end and return its journal; journal and log stay in ``folder`` under the experiment's name.

    Raises EnvironmentFault when it does not end in time or leaves no journal. Whatever ends the wait, the child is
    interrupted, rolls back, and is gone when this returns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal, log = folder / f"{experiment.stem}.journal.json", folder / f"{experiment.stem}.log"
    journal.unlink(missing_ok=True)
    command = [*MODESTLY, sys.executable, "-m", "seatrial.chaos.child", str(experiment), str(journal)]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
            cwd=folder,
            start_new_session=True,
        )
        try:
            child.wait(within_seconds)
        except BaseException as error:
            end(child)
            if isinstance(error, subprocess.TimeoutExpired):
                raise EnvironmentFault(
                    f"experiment {experiment.stem} did not end in {within_seconds:g} s and was rolled back; log: {log}"
                ) from error
            raise
    if not journal.exists():
        raise EnvironmentFault(f"experiment {experiment.stem} ended with {child.returncode}, no journal:\n{_tail(log)}")
    return read_journal(journal)


def end(child: subprocess.Popen[bytes], within_seconds: float = ROLLBACK_SECONDS) -> None:
    """Interrupt a child as Ctrl-C does and wait for its rollbacks; kill its whole group when it does not end."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(within_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)
