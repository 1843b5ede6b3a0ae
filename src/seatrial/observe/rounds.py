"""What was seen of a round of changes: a rolling update, a scale-out, a scale-in, a rollback of every service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.observe.lineup import Lineups
from seatrial.observe.records import Traffic

FRESH, KEPT = "fresh", "kept"
"""The kinds of connections: one for each request, or one for many."""
UPDATE, OUT, IN, BACK = "rolling update", "scale-out", "scale-in", "rollback"
"""The phases of a round, in their order."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One change, done to every service; it ends when all is as wanted and what had to go is gone."""

    name: str
    began: float
    ended: float
    before: Lineups
    after: Lineups

    @property
    def finished(self) -> bool:
        return all(each.settled for each in self.after.values())


@dataclass(frozen=True, slots=True)
class Round:
    """The changes in their order, none after one that did not come to its end, and the requests meanwhile."""

    number: int
    phases: tuple[Phase, ...]
    traffic: Mapping[str, Mapping[str, Traffic]]
    """Kind of connection to service to its requests, from all nodes."""

    def requests(self, kind: str) -> int:
        """Return how many requests of a kind were sent, to all services together."""
        return sum(each.count for each in self.traffic[kind].values())
