"""Run one experiment in a process of its own: ``python -m seatrial.chaos.child EXPERIMENT JOURNAL``.

Chaos Toolkit works by signals and by the main thread, so it gets both for itself. Rollbacks always run. SIGINT stops
the experiment and lets it roll back. The exit code says only whether a journal was written: the journal is what counts.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment
from chaoslib.loader import load_experiment
from chaoslib.log import configure_logger, encoder

SETTINGS = {"runtime": {"rollbacks": {"strategy": "always"}}}


def main(experiment: str, journal: str) -> int:
    """Run it and write the journal; 2 when the experiment is not valid."""
    configure_logger(verbose=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an action that is terminated must stop the whole
    try:
        loaded = load_experiment(experiment)
        ensure_experiment_is_valid(loaded)
    except ChaosException as error:
        print(f"{experiment}: {error}", file=sys.stderr)
        return 2
    outcome = run_experiment(loaded, settings=SETTINGS)
    beside = Path(f"{journal}.part")
    beside.write_text(json.dumps(outcome, indent=1, default=encoder), encoding="utf-8")
    beside.rename(journal)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
