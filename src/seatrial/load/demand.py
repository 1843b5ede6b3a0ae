"""How much load is asked for, within what one run may do to a system and to this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.cross_checks import nearest
from seatrial.errors import UsageError
from seatrial.system import System

THINK_SECONDS = 0.2
"""A customer's pause between two requests."""
USERS_EACH = 1000
"""Customers that one process carries; their requests are late long before their number troubles it."""
MOST_WORKERS = 50
LONGEST_SECONDS = 4 * 3600.0
MOST_REQUESTS = 5_000_000
"""That may be made at the most: all are held in memory for the reports, about 300 bytes each."""
JOIN_PER_SECOND = 20
"""Customers of one process that begin in a second: each logs in, and log-ins are what a gateway rations first."""
HEAVIEST = 100
"""Weight of one step; as in ``system.yaml``."""
Journey = Mapping[str, int]
"""Step to its weight."""


@dataclass(frozen=True)
class Demand:
    """How many customers, how long, and in how many processes; raises UsageError for what is out of bounds."""

    users: int
    seconds: float
    workers: int = 0
    """Processes in the cluster; none: one process here."""

    def __post_init__(self) -> None:
        most = USERS_EACH * max(self.workers, 1)
        if not 0 <= self.workers <= MOST_WORKERS:
            raise UsageError(f"--workers {self.workers}: out of bounds", remedy=f"give 0 to {MOST_WORKERS}")
        if not 1 <= self.users <= most:
            more = ", or more --workers" if self.users > most else ""
            raise UsageError(f"--users {self.users}: out of bounds", remedy=f"give 1 to {most:,}{more}")
        if self.workers > self.users:
            told = f"--workers {self.workers} for --users {self.users}: a worker would have no customer"
            raise UsageError(told, remedy="give at least one user a worker")
        if not 1 <= self.seconds <= LONGEST_SECONDS:
            told = f"the load is to last {self.seconds:g} s: out of bounds"
            raise UsageError(told, remedy=f"give 1 s to {LONGEST_SECONDS / 60:g} minutes")
        if self.users * self.seconds / THINK_SECONDS > MOST_REQUESTS:
            told = f"{self.users} users for {self.seconds:g} s may make more than {MOST_REQUESTS:,} requests"
            raise UsageError(told, remedy="give fewer users, or less time")

    @property
    def join_per_second(self) -> int:
        """Customers that begin in a second, until all are there."""
        return min(self.users, JOIN_PER_SECOND * max(self.workers, 1))


def chosen_journey(system: System, wanted: Sequence[str]) -> dict[str, int]:
    """Return the weights of the steps that are wanted, each as ``NAME`` or ``NAME=WEIGHT``; all when none is named.

    Raises UsageError for a step that the system does not declare, and for a weight that is none.
    """
    declared = {step.name: step.weight for step in system.journey}
    if not declared:
        raise UsageError(f"{system.name} declares no journey of its customers", remedy="write it in system.yaml")
    return dict(_step(given, declared) for given in wanted) or declared


def _step(given: str, declared: Journey) -> tuple[str, int]:
    if given in declared:
        return given, declared[given]
    name, _, weight = given.rpartition("=")
    if name not in declared:
        told = f"--journey {given!r}: no such step"
        raise UsageError(told, remedy=nearest(name or given, list(declared), f"give {', '.join(declared)}"))
    if not (weight.isdecimal() and 1 <= int(weight) <= HEAVIEST):
        raise UsageError(f"--journey {given!r}: {weight!r} is no weight", remedy=f"give 1 to {HEAVIEST}")
    return name, int(weight)


def as_variable(journey: Journey | None) -> str:
    """Return a journey as the environment of Locust's process holds it; empty: as declared."""
    return json.dumps(dict(journey)) if journey else ""
