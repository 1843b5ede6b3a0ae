"""The lint of experiments: what Chaos Toolkit and this project would refuse, told at once and without a cluster.

``python -m seatrial.chaos.lint experiments`` prints one line per problem and ends with 0 when there is none, with 1
when there is one, and with 2 when it cannot read what it was given. It imports Chaos Toolkit and the functions that
experiments name, so whoever must not (pytest, the command) runs it as a child: :func:`refuse_unfit`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from seatrial.chaos.experiment_file import read_experiment
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.system_file import shown

VALIDATION_SECONDS = 60.0
"""For the child that imports what an experiment names; 2 s were measured on two cores."""


def find_problems(path: Path) -> list[str]:
    """Return what is wrong with an experiment, one line each; imports the modules that it names."""
    try:
        read_experiment(path)
    except UsageError as error:
        return str(error).splitlines()
    complaint = _complaint(yaml.safe_load(path.read_text(encoding="utf-8")))
    return [f"{shown(path)}: {complaint}"] if complaint else []


def _complaint(document: dict[str, Any]) -> str:
    """Return what Chaos Toolkit has against it, in one line; its variables are no matter of the file."""
    from chaoslib.exceptions import ChaosException
    from chaoslib.experiment import ensure_experiment_is_valid

    try:
        ensure_experiment_is_valid({**document, "configuration": {}})
    except ChaosException as error:
        return " ".join(str(error).split())
    except Exception as error:  # a module of an action that cannot be imported may raise anything
        return f"an action or probe of it cannot be loaded: {error!r}"
    return ""


def refuse_unfit(path: Path) -> None:
    """Raise UsageError when an experiment is not fit to be run; Chaos Toolkit is asked in a process of its own."""
    read_experiment(path)
    command = [sys.executable, "-m", "seatrial.chaos.lint", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATION_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"{shown(path)} was not validated in {VALIDATION_SECONDS:g} s") from error
    if done.returncode == 1 and done.stdout.strip():
        raise UsageError(done.stdout.strip())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise EnvironmentFault(f"{shown(path)} cannot be validated: {last}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Find what is wrong with experiments, without running them."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.chaos.lint", description=main.__doc__)
    parser.add_argument("experiments", type=Path, help="folder of experiments, or one file")
    given = parser.parse_args(arguments).experiments
    paths = sorted(given.glob("*.yaml")) if given.is_dir() else [given]
    if not paths or not paths[0].is_file():
        print(f"seatrial.chaos.lint: {shown(given)}: holds no experiment", file=sys.stderr)
        return UsageError.exit_code
    problems = [each for path in paths for each in find_problems(path)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{len(paths)} experiments: no problem")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
