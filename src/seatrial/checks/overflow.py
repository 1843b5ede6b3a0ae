"""Are requests beyond what can be served refused at once, instead of piling up?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from seatrial.checks.turns import told_statuses
from seatrial.errors import Doubt, Failure
from seatrial.observe.customers import Reply

REFUSED = 503
SLOW_SECONDS = 0.2
"""What the fault switch ``slow`` makes a replica take at least: requests that are sent within this time of each other
are all under way at the same moment."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Requests on one route at the same moment, while every replica of its service was slow."""

    path: str
    concurrent: int
    """Requests that each replica of the gateway lets through at the same time."""
    pending: int
    """Requests beyond that which it may have wait."""
    gateways: int
    """Replicas of the gateway."""
    status: int
    """Of a good answer."""
    refused: tuple[Reply, ...]
    """The gateway's own refusals."""
    let_through: tuple[Reply, ...]
    """All other answers, and what was not answered."""

    @property
    def size(self) -> int:
        return len(self.refused) + len(self.let_through)

    @property
    def most(self) -> int:
        """Return how many may be let through."""
        return (self.concurrent + self.pending) * self.gateways


def parted(replies: Sequence[Reply], identity_header: str) -> tuple[tuple[Reply, ...], tuple[Reply, ...]]:
    """Return the gateway's refusals, which name no replica, and the other answers."""
    refused = tuple(each for each in replies if each.status == REFUSED and not each.header(identity_header))
    return refused, tuple(each for each in replies if each not in refused)


def unproven(crowd: Crowd) -> Iterator[Doubt]:
    """Yield why a crowd tells nothing: it was not at the same moment, or no larger than what is let through."""
    starts = sorted(each.start for each in chain(crowd.refused, crowd.let_through))
    together = sum(each - starts[0] < SLOW_SECONDS for each in starts)
    quick = [each.seconds for each in crowd.let_through if each.status == crowd.status and each.seconds < SLOW_SECONDS]
    if together < len(starts) or crowd.size <= crowd.most:
        yield Doubt(
            f"{crowd.path}: requests at the same moment",
            f"more than {crowd.most} requests, all within {SLOW_SECONDS:g} s; {together} of {crowd.size} were",
            "see what keeps this machine busy",
        )
    elif quick:
        yield Doubt(
            f"{crowd.path}: slow replicas",
            f"proof that every answer takes {SLOW_SECONDS:g} s; {len(quick)} took less, one {min(quick):.2f} s",
            "see whether the fault switch 'slow' does what system.yaml says",
        )


def beyond_limit(crowd: Crowd) -> Iterator[Failure]:
    """Yield a failure when more requests are let through than declared, and one when there was room for more."""
    subject = f"{crowd.path} (at most {crowd.concurrent} at the same time for each of {crowd.gateways} gateways):"
    served = sum(each.status == crowd.status for each in crowd.let_through)
    if len(crowd.let_through) > crowd.most:
        yield Failure(
            f"{subject} more are let through",
            f"at most {crowd.most} of {crowd.size} requests at the same moment ({crowd.pending} may wait at each)",
            f"{len(crowd.let_through)}: {told_statuses(crowd.let_through)}",
            hint="no limit on this route" if not crowd.refused else "a larger limit than declared, or a queue",
        )
    if served < crowd.concurrent:
        yield Failure(
            f"{subject} too few are served",
            f"HTTP {crowd.status} for at least {crowd.concurrent} of {crowd.size}: so many have room at one gateway",
            f"{served}: {told_statuses((*crowd.refused, *crowd.let_through))}",
            hint="a smaller limit than declared" if served == len(crowd.let_through) else "",
        )


def badly_refused(crowd: Crowd, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure when an answer is neither good nor a refusal, and one when a refusal comes late."""
    strange = [each for each in crowd.let_through if each.status != crowd.status]
    late = [each.seconds for each in crowd.refused if each.seconds > within_seconds]
    if strange:
        yield Failure(
            f"{crowd.path}: a crowd is neither served nor refused",
            f"HTTP {crowd.status}, or HTTP {REFUSED} of the gateway",
            f"{len(strange)} of {crowd.size}: {told_statuses(strange)}",
            hint="too many are let through for those who serve them",
        )
    if late:
        yield Failure(
            f"{crowd.path}: refusals come late",
            f"each within {within_seconds:g} s",
            f"{len(late)} of {len(crowd.refused)} later, the last after {max(late):.2f} s",
            hint="what cannot be served waits in a queue first",
        )
