"""A storm from its first pause to its history: whatever ends it, nobody uses the system and nothing is broken after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos.history import History
from seatrial.chaos.interruption import interruptible_once
from seatrial.chaos.plan import Plan, Wish, make_plan
from seatrial.chaos.series import Series
from seatrial.chaos.storm import Draw, fits
from seatrial.cluster.client import Cluster
from seatrial.errors import SeaTrialError
from seatrial.load.session import Customers
from seatrial.progress import Phases
from seatrial.system import System

Now = Callable[[], float]


@dataclass(frozen=True)
class Storm:
    """What is asked for."""

    cluster: Cluster
    system: System
    system_file: Path
    seconds: float
    pause_seconds: float
    """Of load alone, before each experiment and after the last one."""
    folder: Path

    def plan(self, draw: Draw) -> Plan:
        """Return the run that a draw means now; raises as :func:`make_plan` does."""
        return make_plan(draw.experiment, self.cluster, self.system, self.system_file, Wish(seed=draw.seed))


def run_storm(
    storm: Storm, chosen: Iterator[Draw], customers: Customers, phases: Phases, now: Now = time.monotonic
) -> History:
    """Run experiments until one might not be over in time, and return what happened.

    The first Ctrl-C ends the storm: the experiment rolls back, the system is healed and looked at. Any further one
    changes nothing. Trouble ends it early, too, and is told in the history.
    """
    series = Series(storm.cluster, storm.system, storm.folder)
    with interruptible_once(phases.say) as interruption:
        try:
            with customers:
                _blow(storm, series, chosen, customers, phases, now)
                customers.stop()
        except KeyboardInterrupt:
            series.interrupted = True
        except SeaTrialError as error:
            series.troubles.append(str(error))
        interruption.held = True
        series.troubles += [f"records are missing: {told}" for told in customers.lost()]
        return series.end(customers.so_far(), phases)


def _blow(storm: Storm, series: Series, chosen: Iterator[Draw], customers: Customers, phases: Phases, now: Now) -> None:
    until = now() + storm.seconds
    for draw in chosen:
        with phases.phase(f"load alone for {storm.pause_seconds:g} s", then=f"{draw.number} {draw.experiment.name}"):
            customers.wait(storm.pause_seconds)
        if not fits(draw.experiment, storm.system, until - now()):
            phases.say(f"{draw.experiment.name} might not be over in time: the storm ends before it")
            return
        outcome = series.run(storm.plan(draw), draw.number, phases)
        phases.say(str(outcome))
        series.interrupted = outcome.interrupted
        if series.interrupted:
            return
