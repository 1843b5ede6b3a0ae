"""When a game day must end, whoever looks away; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.gameday.plan import Stop
from seatrial.load.records import LoadRecord, LoadRequest

LEAST_REQUESTS = 20
"""In the window, before a ratio of them means anything."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen at one moment; Unix seconds."""

    now: float
    began: float
    """When the day began."""
    requests: Sequence[LoadRequest] = ()
    """The latest of the customers', at least those of the window."""
    lost_since: float | None = None
    """Since when the steady state is lost; None while it is there."""
    lacking: tuple[str, ...] = ()


def reason_to_stop(stop: Stop, seen: Seen) -> str:
    """Return why the day must end now, in one line; empty when it may go on."""
    return "; ".join(_reasons(stop, seen))


def _reasons(stop: Stop, seen: Seen) -> Iterator[str]:
    ended = LoadRecord(tuple(each for each in seen.requests if each.end >= seen.now - stop.window_seconds))
    failed, made = len(ended.failed), len(ended.requests)
    if made >= LEAST_REQUESTS and failed > stop.error_ratio * made:
        ((error, hits),) = ended.errors().most_common(1)
        ratio = f"{100 * failed / made:.1f} % of {made} requests failed in {stop.window_seconds:g} s"
        yield f"{ratio}, mostly {hits} × {error}; {100 * stop.error_ratio:g} % are allowed"
    if seen.lost_since is not None and seen.now - seen.lost_since > stop.lost_seconds:
        lost = f"the steady state is lost for {seen.now - seen.lost_since:.0f} s"
        yield f"{lost} ({'; '.join(seen.lacking)}); {stop.lost_seconds:g} s are allowed"
    if seen.now - seen.began > 60 * stop.minutes:
        yield f"the day is longer than its {stop.minutes:g} min"
