"""Run one experiment in a process of its own: ``python -m seatrial.chaos.child EXPERIMENT JOURNAL``.

It makes ready at once, and begins when it is told by its standard input: one line, the further variables of its
environment as JSON. Input that ends without that line is a runner that changed its mind, or vanished.

Chaos Toolkit works by signals and by the main thread, so it gets both for itself. Rollbacks always run. SIGINT stops
the experiment and lets it roll back. The exit code says only whether a journal was written: the journal is what counts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment
from chaoslib.loader import load_experiment
from chaoslib.log import configure_logger, encoder
from chaoslib.run import RunEventHandler
from chaoslib.types import Schedule, Strategy

from seatrial.chaos.control import extension_of

SETTINGS = {"runtime": {"rollbacks": {"strategy": "always"}}}
LOOK_SECONDS = 2.0
"""Between two looks at the steady state while the method runs: seldom enough to leave the cores to the system."""


class Stoppable(RunEventHandler):  # type: ignore[misc]
    """Has both signals end the method, not merely the action that they meet: chaoslib goes on after a SIGTERM."""

    def started(self, experiment: Any, journal: Any) -> None:
        obey_signals()


def obey_signals() -> None:
    """Have SIGINT and SIGTERM interrupt; a child of a background job would ignore the first otherwise."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def strategy_of(experiment: dict[str, Any]) -> Strategy:
    """Have the steady state looked at meanwhile, too, where the experiment says that it must not be lost."""
    extension = extension_of(experiment)
    return Strategy.DEFAULT if extension is None or extension.deviation_during else Strategy.CONTINUOUS


def await_word(stream: TextIO) -> bool:
    """Wait to be told to begin, and take over the variables that come with that; False when nobody will tell."""
    word = stream.read()
    if not word.endswith("\n"):
        return False
    os.environ.update(json.loads(word))
    return True


def main(experiment: str, journal: str) -> int:
    """Run it and write the journal; 2 when the experiment is not valid, 3 when nobody told it to begin."""
    configure_logger(verbose=False)
    obey_signals()
    try:
        loaded = load_experiment(experiment)
        ensure_experiment_is_valid(loaded)
    except ChaosException as error:
        print(f"{experiment}: {error}", file=sys.stderr)
        return 2
    if not await_word(sys.stdin):
        return 3
    outcome = run_experiment(
        loaded,
        settings=SETTINGS,
        strategy=strategy_of(loaded),
        schedule=Schedule(continuous_hypothesis_frequency=LOOK_SECONDS),
        event_handlers=[Stoppable()],
    )
    beside = Path(f"{journal}.part")
    beside.write_text(json.dumps(outcome, indent=1, default=encoder), encoding="utf-8")
    beside.rename(journal)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
