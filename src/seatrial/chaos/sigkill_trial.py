"""Kills runners of experiments at random moments, and proves that each time all is healed and nothing is left behind.

``python -m seatrial.chaos.sigkill_trial --times 20 --seed 7 --out reports/chaos/sigkill.json`` needs a cluster of ours
with the system on it. Each experiment runs once undisturbed, which gives its length; the seed gives the moments, as
shares of the length.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

from seatrial.chaos.experiment_file import find_experiment, read_experiment
from seatrial.chaos.plan import require_parts
from seatrial.chaos.sigkill_kill import Fallen, Field, examine, kill_after, replicas_of
from seatrial.chaos.sigkill_table import Kill, table
from seatrial.chaos.steady import prove_steady
from seatrial.cli import tell_errors
from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import DEFAULT_NAME, KindCluster
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT
from seatrial.system import System
from seatrial.system_file import load_system

EXPERIMENTS = ROOT / "experiments"
LONGEST_SECONDS = 3600.0
ATTEMPTS = 3
"""Times that a kill may come too late, because the runner was quicker than when it was measured."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One kill that is to be."""

    number: int
    experiment: str
    share: float
    """Share of the experiment's length after which its runner is killed."""


def plan(experiments: Sequence[str], times: int, seed: int) -> tuple[Planned, ...]:
    """Return the kills: the experiments by turns, the moments by chance; the same for the same seed."""
    dice = random.Random(seed)
    return tuple(
        Planned(number, name, dice.random()) for number, name in enumerate(islice(cycle(experiments), times), 1)
    )


def chosen(names: str) -> tuple[str, ...]:
    """Return the experiments named, separated by commas; all when none is. Raises UsageError for an unknown one."""
    known = tuple(sorted(path.stem for path in EXPERIMENTS.glob("*.yaml")))
    wanted = tuple(filter(None, names.split(","))) or known
    for name in wanted:
        if name not in known:
            raise UsageError(f"--experiments {name}: there is no such experiment", remedy=f"use {', '.join(known)}")
    return wanted


def fitting(names: Sequence[str], cluster: Cluster, system: System) -> tuple[str, ...]:
    """Return the experiments whose needs are met here; says which are not. Raises UsageError when none are."""
    found = []
    for name in names:
        try:
            require_parts(read_experiment(find_experiment(name)), cluster, system)
        except UsageError as error:
            print(f"left out: {error.what}", flush=True)
        else:
            found.append(name)
    if not found:
        raise UsageError("--experiments: none of them can be run here", remedy="name others")
    return tuple(found)


def run_command(experiment: str, folder: Path) -> list[str]:
    """Return the command that a person would type."""
    start = [sys.executable, "-c", "from seatrial.cli import main; main()"]
    return [*start, "chaos", "run", experiment, f"--reports={folder}"]


def length_of(field: Field, experiment: str, folder: Path) -> float:
    """Run an experiment undisturbed and return how long it took; raises EnvironmentFault when it leaves anything."""
    taken = kill_after(field, experiment, LONGEST_SECONDS, folder)
    if isinstance(taken, Fallen):
        raise EnvironmentFault(f"{experiment} did not end in {LONGEST_SECONDS:g} s; see {folder / 'runner.log'}")
    prove_steady(field.cluster, field.system, field.system.tolerances.recovery_seconds)
    return taken


def kill_once(field: Field, planned: Planned, lengths: dict[str, float], folder: Path) -> Kill:
    """Kill one runner and examine what becomes of it; a runner that was quicker tells a better length."""
    before = replicas_of(field)
    for attempt in range(1, ATTEMPTS + 1):
        there = folder / f"{planned.number:02d}-{planned.experiment}-{attempt}"
        seconds = planned.share * lengths[planned.experiment]
        fallen = kill_after(field, planned.experiment, seconds, there)
        if isinstance(fallen, Fallen):
            return examine(field, planned.number, planned.experiment, fallen, before)
        lengths[planned.experiment] = fallen
    raise EnvironmentFault(f"{planned.experiment} ended {ATTEMPTS} times before it could be killed; see {folder}")


def trial(field: Field, kills: Sequence[Planned], folder: Path, out: Path) -> list[Kill]:
    """Do all kills; the table is written after each, so that an interrupted trial leaves what it found."""
    field_of_length = Field(field.cluster, field.system, field.command)
    lengths: dict[str, float] = {}
    done: list[Kill] = []
    for planned in kills:
        name = planned.experiment
        if name not in lengths:
            lengths[name] = length_of(field_of_length, name, folder / f"undisturbed-{name}")
        done.append(kill_once(field, planned, lengths, folder))
        print(table(done[-1:]).splitlines()[2], flush=True)
        out.write_text(json.dumps([asdict(each) for each in done], indent=1) + "\n", encoding="utf-8")
    return done


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.chaos.sigkill_trial", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how many runners are killed")
    parser.add_argument("--seed", type=int, default=1, help="gives the moments")
    parser.add_argument("--experiments", default="", help="names, separated by commas; all when left out")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "reports" / "chaos" / "sigkill.json", help="JSON of the table"
    )
    parser.add_argument("--name", default=DEFAULT_NAME, help="name of the kind cluster")
    parser.add_argument("--system", type=Path, default=ROOT / "system.yaml", help="description of the system")
    parser.add_argument(
        "--dead-man-alone",
        action="store_true",
        help="kill watchdog and experiment as well: only for faults that the API server can put back",
    )
    return parser.parse_args(given)


def main() -> None:
    """Run the trial; ends with 1 when anything was left behind once."""
    given = arguments()
    if given.times < 1:
        raise UsageError(f"--times {given.times}: nothing would be killed", remedy="give 1 or more")
    system, ours = load_system(given.system), KindCluster(given.name)
    names = chosen(given.experiments)
    if ours.recorded() is None:
        raise EnvironmentFault(f"no cluster named {given.name} was created here", remedy="run 'seatrial up'")
    cluster = ours.connect()
    kills = plan(fitting(names, cluster, system), given.times, given.seed)
    out = given.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sigkill-", dir=out.parent))
    done = trial(Field(cluster, system, run_command, given.dead_man_alone), kills, folder, out)
    text = f"Seed {given.seed}; records: {folder}\n\n{table(done)}\n"
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(0 if all(each.good for each in done) else 1)


if __name__ == "__main__":
    tell_errors(main)
