"""Does a service stand many large requests at the same time?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.checks.reliability import failures, kinds
from seatrial.errors import Doubt, Failure
from seatrial.observe.records import PodView, Request, Traffic

NEARLY = 0.9
"""Of the requests at the same time, that must really have been under way at some moment."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Large requests to one service, and its replicas before and after."""

    service: str
    kilobytes: int
    at_once: int
    status: int
    """Of a good answer."""
    traffic: Traffic
    before: tuple[PodView, ...]
    after: tuple[PodView, ...]

    def __str__(self) -> str:
        return f"{self.traffic.count:,} requests of {self.kilobytes} kB, {self.at_once} of them at a time"


def most_at_once(requests: Iterable[Request]) -> int:
    """Return how many requests were under way at the same moment, at most."""
    turns = sorted((at, turn) for each in requests for at, turn in ((each.start, 1), (each.end, -1)))
    most = under_way = 0
    for _, turn in turns:
        under_way += turn
        most = max(most, under_way)
    return most


def unproven(bulk: Bulk) -> Iterator[Doubt]:
    """Yield a doubt when fewer requests than declared were ever under way at the same time."""
    most = most_at_once(bulk.traffic.requests)
    if most < NEARLY * bulk.at_once:
        what = f"{bulk.at_once} large requests at the same time"
        yield Doubt(f"{bulk.service}: {bulk}", what, "see what keeps the agents busy", (f"at most {most} were",))


def ended(bulk: Bulk) -> Iterator[Failure]:
    """Yield each replica whose container was started again, or whose pod is gone."""
    now = {pod.uid: pod for pod in bulk.after}
    for pod in bulk.before:
        later = now.get(pod.uid)
        if later is None or later.restarts > pod.restarts:
            why = f": {later.ended}" if later and later.ended else ""
            more = later.restarts - pod.restarts if later else 0
            yield Failure(
                f"{bulk.service}: replica {pod.name} (on {pod.node}) does not stand large requests",
                "no replica ends",
                f"restarted {more} {'time' if more == 1 else 'times'}{why}" if later else "its pod is gone",
                window=str(bulk),
                hint="its memory limit is too low for what it takes, or it takes more than it gives back",
            )


def failed(bulk: Bulk, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when a large request was not answered as declared, or none was sent."""
    lost, count = failures(bulk.traffic, bulk.status), bulk.traffic.count
    if lost or not count:
        yield Failure(
            f"{bulk.service}: large requests fail",
            f"HTTP {bulk.status} for each of them",
            f"{len(lost):,} of {count:,} failed: {kinds(lost)}" if count else "none was sent",
            window=f"{bulk}, from {bulk.traffic.node}",
            evidence=evidence,
        )
