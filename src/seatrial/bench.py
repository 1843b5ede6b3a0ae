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

from seatrial.cli import tell_errors
from seatrial.cluster.kind import KindCluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.vantage import vantages
from seatrial.paths import ROOT
from seatrial.system_file import load_system

BARE_BOUND_SECONDS = 45.0
SYSTEM_BOUND_SECONDS = 75.0
COLD_BOUND_SECONDS = 900.0
"""The project's own bounds on two cores: a cluster, a cluster with the reference system, and both from nothing."""
CONNECTIONS = 1000
CONNECTIONS_BOUND_SECONDS = 3.0
"""For fresh connections from one vantage to a Service of three replicas."""
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


def measure_connections(name: str) -> Start:
    """Send fresh connections from one vantage to the first service, and return how long all of them took."""
    cluster, system = KindCluster(name).connect(), load_system(ROOT / "system.yaml")
    vantage, url = vantages(cluster, system.namespace)[-1], system.url(system.services[0])
    started = time.monotonic()
    traffic = vantage.requests(url, count=CONNECTIONS, identity_header=system.identity.header)
    seconds = time.monotonic() - started
    if traffic.failed or len(traffic.answers()) < system.services[0].replicas:
        raise EnvironmentFault(f"{len(traffic.failed)} of {CONNECTIONS} requests failed, {dict(traffic.answers())}")
    return Start(f"{CONNECTIONS:,} fresh connections", seconds, CONNECTIONS_BOUND_SECONDS, {})


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
    starts.append(measure_connections(name))
    subprocess.run([*COMMAND, "down", f"--name={name}"], check=True)
    Console(highlight=False).print(table(starts))
    if any(start.seconds > start.bound_seconds for start in starts):
        raise typer.Exit(1)


if __name__ == "__main__":
    tell_errors(lambda: typer.run(main))
