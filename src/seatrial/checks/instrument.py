"""Is the trial's own instrument good enough? What it shows is no fault of the system: all findings are doubts."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.checks.reliability import late
from seatrial.counted import counted
from seatrial.errors import Doubt
from seatrial.observe.records import Traffic

NEARLY = 0.99
"""Of the rate, that must be reached: the first and the last request are due at their own moments."""


def sent_per_second(traffic: Traffic) -> float:
    """Return the rate at which requests were sent; 0 for fewer than two."""
    starts = sorted(request.start for request in traffic.requests)
    seconds = starts[-1] - starts[0] if starts else 0.0
    return (len(starts) - 1) / seconds if seconds else 0.0


def too_weak(traffic: Traffic, rate_per_second: float, within_seconds: float) -> Iterator[Doubt]:
    """Yield why an agent that was asked by another one is no good: it is late, slow, or loses requests."""
    subject = f"the agent on {traffic.node}, which asks {traffic.url}"
    yield from late(subject, traffic, within_seconds)
    reached = sent_per_second(traffic)
    if traffic.requests and reached < NEARLY * rate_per_second:
        yield Doubt(
            subject,
            f"an agent that sends {rate_per_second:g} requests a second",
            "give the machine to the trial alone",
            (f"it sent {reached:.0f} a second",),
        )
    if traffic.failed:
        yield Doubt(
            subject,
            "an agent that answers whatever it is asked",
            "see the log of the vantage, and whether anything stands between the nodes",
            (f"{len(traffic.failed):,} of {traffic.count:,} failed: {counted(traffic.errors().most_common())}",),
        )
