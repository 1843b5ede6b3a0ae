"""Running an experiment in a child process, and never leaving it running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos.journal import Journal, read_journal
from seatrial.children import ended_on_error, kill, start, tail
from seatrial.errors import EnvironmentFault

ROLLBACK_SECONDS = 60.0
"""How long an interrupted experiment may take to roll back before it is killed."""


@dataclass(frozen=True, slots=True)
class Standby:
    """A child that reads and validates an experiment, does nothing else, and waits to be told to begin."""

    experiment: Path
    folder: Path
    """Journal and log stay there under the experiment's name."""
    child: subprocess.Popen[bytes]

    def run(self, environment: Mapping[str, str], *, within_seconds: float) -> Journal:
        """Have it run the experiment with these variables beside its own, to its end, and return its journal.

        Raises EnvironmentFault when it does not end in time or leaves no journal. Whatever ends the wait, the child is
        interrupted, rolls back, and is gone when this returns.
        """
        name, log = self.experiment.stem, log_file(self.experiment, self.folder)
        word = f"{json.dumps(dict(environment))}\n".encode()
        try:
            with ended_on_error(self.child, ROLLBACK_SECONDS):
                self.child.communicate(word, within_seconds)
        except subprocess.TimeoutExpired as error:
            what = f"experiment {name} did not end in {within_seconds:g} s and was rolled back; log: {log}"
            raise EnvironmentFault(what) from error
        journal = journal_file(self.experiment, self.folder)
        if not journal.exists():
            what = f"experiment {name} ended with {self.child.returncode} and left no journal"
            raise EnvironmentFault(f"{what}; its output is in {log}, last lines:\n{tail(log)}")
        return read_journal(journal)


@contextmanager
def standby(experiment: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[Standby]:
    """Have a child make ready while its runner has other things to do; it is gone at the end, told to begin or not.

    ``environment`` is what its validation needs, and what it shall be known by from its start. It begins only when
    told: when its runner vanishes before, it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = journal_file(experiment, folder)
    journal.unlink(missing_ok=True)
    command = [sys.executable, "-m", "seatrial.chaos.child", str(experiment), str(journal)]
    own = {**os.environ, **environment}
    with start(command, log_file(experiment, folder), own, folder, stdin=subprocess.PIPE) as child:
        try:
            yield Standby(experiment, folder, child)
        finally:
            if child.poll() is None:
                kill(child)


def journal_file(experiment: Path, folder: Path) -> Path:
    """Return where the journal of an experiment lies in the folder of its run."""
    return folder / f"{experiment.stem}.journal.json"


def log_file(experiment: Path, folder: Path) -> Path:
    """Return where the output of an experiment's process lies in the folder of its run."""
    return folder / f"{experiment.stem}.log"
