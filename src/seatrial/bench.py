"""How long a start takes, by phase: ``python -m seatrial.bench [--cold]``, or ``make bench``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from seatrial.errors import EnvironmentFault

BARE_BOUND_SECONDS = 45.0
SYSTEM_BOUND_SECONDS = 75.0
COLD_BOUND_SECONDS = 900.0
"""The project's own bounds on two cores: a cluster, a cluster with the reference system, and both from nothing."""
COMMAND = (sys.executable, "-c", "from seatrial.cli import main; main()")


@dataclass(frozen=True)
class Start:
    """One measured start."""

    name: str
    seconds: float
    bound_seconds: float
    phases: dict[str, float]


def measure(name: str, bound_seconds: float, *arguments: str) -> Start:
    """Run ``seatrial up`` with arguments and return its durations."""
    with tempfile.TemporaryDirectory() as folder:
        timings = Path(folder) / "timings.json"
        started = time.monotonic()
        done = subprocess.run([*COMMAND, "up", *arguments, f"--timings={timings}"], check=False)
        seconds = time.monotonic() - started
        if done.returncode:
            raise EnvironmentFault(f"seatrial up {' '.join(arguments)} ended with {done.returncode}")
        return Start(name, seconds, bound_seconds, json.loads(timings.read_text()))


def table(starts: list[Start]) -> Table:
    """Lay the starts out: a row a phase, then one for the whole, which is not their sum: some run side by side."""
    result = Table("start", "phase", "seconds", "bound", title="Start of the trial's ground", title_justify="left")
    for start in starts:
        for phase, seconds in start.phases.items():
            result.add_row(start.name, phase, f"{seconds:.1f}", "")
        result.add_row(start.name, "all", f"{start.seconds:.1f}", f"{start.bound_seconds:.0f}", end_section=True)
    return result


def main(
    cold: Annotated[
        bool, typer.Option("--cold", help="Also measure from nothing: frees every image and cache first.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the cluster to measure with.")] = "seatrial-bench",
) -> None:
    """Measure starts; ends with 1 when a bound is exceeded."""
    starts = []
    if cold:
        subprocess.run([*COMMAND, "down", "--all"], check=True)
        starts.append(measure("from nothing", COLD_BOUND_SECONDS, f"--name={name}"))
        subprocess.run([*COMMAND, "down", f"--name={name}"], check=True)
    starts.append(measure("bare cluster", BARE_BOUND_SECONDS, f"--name={name}", "--bare"))
    subprocess.run([*COMMAND, "down", f"--name={name}"], check=True)
    starts.append(measure("with system", SYSTEM_BOUND_SECONDS, f"--name={name}"))
    subprocess.run([*COMMAND, "down", f"--name={name}"], check=True)
    Console(highlight=False).print(table(starts))
    if any(start.seconds > start.bound_seconds for start in starts):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
