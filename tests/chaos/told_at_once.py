"""An experiment in a child process that is told to begin at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seatrial.chaos.journal import Journal
from seatrial.chaos.runner import standby


def run_experiment(file: Path, environment: Mapping[str, str], folder: Path, *, within_seconds: float) -> Journal:
    """Run it to its end and return its journal."""
    with standby(file, folder, environment) as ready:
        return ready.run({}, within_seconds=within_seconds)
