"""Is only one replica of a service evicted at a time, and one at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.errors import Doubt, Failure
from seatrial.observe.records import PodView

GRANTED, REFUSED = 201, 429
"""How the API server answers a request to evict a pod."""
MEANINGS = {GRANTED: "granted", REFUSED: "refused by a PodDisruptionBudget"}


@dataclass(frozen=True, slots=True)
class Evictions:
    """One replica that was to be evicted, and another one for which the same was asked right after it, and later."""

    service: str
    one: PodView
    other: PodView
    granted: int
    """HTTP status for the one."""
    meanwhile: int
    """For the other, while the one was not replaced; a dry run."""
    afterwards: int
    """For the other, when it was; a dry run."""
    replaced: bool


def unproven(evictions: Evictions) -> Iterator[Doubt]:
    """Yield a doubt when the one was evicted and nobody took its place: then nothing is known of afterwards."""
    if evictions.granted == GRANTED and not evictions.replaced:
        what = f"a replacement of {evictions.one.name}"
        yield Doubt(f"{evictions.service}: eviction", what, "see the events and the pods in the evidence")


def not_one_at_a_time(evictions: Evictions) -> Iterator[Failure]:
    """Yield a failure when none could be evicted, when two could at the same time, and when it was never again so."""
    service, one, other = evictions.service, evictions.one.name, evictions.other.name
    if evictions.granted != GRANTED:
        yield Failure(
            f"{service}: replica {one} cannot be evicted although all replicas are ready",
            "granted: a node can be drained",
            _told(evictions.granted),
            hint="its PodDisruptionBudget allows no disruption, or counts pods that are not there",
        )
        return
    if evictions.meanwhile != REFUSED:
        yield Failure(
            f"{service}: replica {other} may be evicted while {one} is not replaced",
            f"refused (HTTP {REFUSED}): one replica at a time",
            _told(evictions.meanwhile),
            hint="it has no PodDisruptionBudget, or one that allows more, or selects other pods",
        )
    if evictions.replaced and evictions.afterwards != GRANTED:
        yield Failure(
            f"{service}: replica {other} cannot be evicted although {one} was replaced",
            "granted: a drain goes on",
            _told(evictions.afterwards),
            hint="its PodDisruptionBudget does not see the replacement",
        )


def _told(status: int) -> str:
    return f"HTTP {status}: {MEANINGS.get(status, 'neither granted nor refused')}"
