"""Running an experiment in a child process, and never leaving it running."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from seatrial.chaos.journal import Journal, read_journal
from seatrial.children import run_to_end, tail
from seatrial.errors import EnvironmentFault

ROLLBACK_SECONDS = 60.0
"""How long an interrupted experiment may take to roll back before it is killed."""


def run_experiment(experiment: Path, environment: Mapping[str, str], folder: Path, *, within_seconds: float) -> Journal:
    """Run it to its end and return its journal; journal and log stay in ``folder`` under the experiment's name.

    Raises EnvironmentFault when it does not end in time or leaves no journal. Whatever ends the wait, the child is
    interrupted, rolls back, and is gone when this returns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal, log = journal_file(experiment, folder), folder / f"{experiment.stem}.log"
    journal.unlink(missing_ok=True)
    command = [sys.executable, "-m", "seatrial.chaos.child", str(experiment), str(journal)]
    own = {**os.environ, **environment}
    code = run_to_end(command, log, own, folder, within_seconds=within_seconds, end_seconds=ROLLBACK_SECONDS)
    if code is None:
        raise EnvironmentFault(
            f"experiment {experiment.stem} did not end in {within_seconds:g} s and was rolled back; log: {log}"
        )
    if not journal.exists():
        raise EnvironmentFault(f"experiment {experiment.stem} ended with {code}, no journal:\n{tail(log)}")
    return read_journal(journal)


def journal_file(experiment: Path, folder: Path) -> Path:
    """Return where the journal of an experiment lies in the folder of its run."""
    return folder / f"{experiment.stem}.journal.json"
