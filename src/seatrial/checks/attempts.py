"""Does the gateway ask again no more often than declared, while nobody can answer? Counted in the replicas' logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.counted import counted
from seatrial.errors import Doubt, Failure
from seatrial.observe.request_log import Attempt

SHOWN = 3
"""Requests that are shown with all their attempts, those with the most first."""


@dataclass(frozen=True, slots=True)
class Storm:
    """What became of the requests on one route while every replica of its service failed."""

    what: str
    """The request and where it goes: ``GET /v1/users → users``."""
    requests: int
    """That customers sent, each with an id of its own."""
    attempts: tuple[Attempt, ...]
    """That the replicas saw."""
    most: int
    """Attempts that are allowed for each request."""

    @property
    def factor(self) -> float:
        """Return how many attempts there were for each request, on the average."""
        return len(self.attempts) / max(self.requests, 1)


def unproven(storm: Storm) -> Iterator[Doubt]:
    """Yield why a route tells nothing: a replica did not fail, or no request reached any."""
    well = sorted({each.pod for each in storm.attempts if each.status < 500})
    if well:
        yield Doubt(
            f"{storm.what}: not every replica failed",
            f"proof that every replica answers with an error; {', '.join(well)} did not",
            "see whether the fault switch 'failing' does what system.yaml says",
        )
    elif not storm.attempts:
        yield Doubt(
            f"{storm.what}: no attempt was seen",
            f"at least one of {storm.requests} requests in the log of a replica",
            "see whether the gateway reaches the service at all, and passes X-Request-Id on",
        )


def tried_too_often(storm: Storm) -> Iterator[Failure]:
    """Yield a failure when a request was tried more often than declared; one that reached nobody is fine."""
    tries: defaultdict[str, list[Attempt]] = defaultdict(list)
    for each in storm.attempts:
        tries[each.request_id].append(each)
    often = sorted((each for each in tries.values() if len(each) > storm.most), key=len, reverse=True)
    if often:
        numbers = Counter(map(len, often))
        told = counted((f"{size} attempts", number) for size, number in sorted(numbers.items(), reverse=True))
        yield Failure(
            f"{storm.what}: the gateway asks again too often while every replica fails",
            f"at most {storm.most} {'attempt' if storm.most == 1 else 'attempts'} for each request",
            f"{len(often)} of {storm.requests} requests were tried more often: {told}; "
            f"{storm.factor:.2f} a request over all",
            tuple(f"{each[0].request_id}: {_told(each)}" for each in often[:SHOWN]),
            hint="what may not be repeated is asked again" if storm.most == 1 else "more retries than declared",
        )


def _told(attempts: Sequence[Attempt]) -> str:
    return ", ".join(f"{each.pod} {each.status}" for each in attempts)
