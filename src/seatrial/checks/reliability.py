"""Are calls reliable under steady load? Failure ratio with its bounds, latency from when each request was due.

Bounds are those of Clopper and Pearson, each one-sided: without a failure the upper one is about -ln(1 - confidence)/n.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scipy import stats

from seatrial.counted import counted
from seatrial.errors import Doubt, Failure
from seatrial.observe.records import Request, Traffic

QUANTILES = (0.5, 0.95, 0.99)
LAG_QUANTILE = 0.99
FIRST = 5
"""Failed requests that are told one by one."""
STARVED = 0.1
"""Part of a request's timeout. What keeps requests from being sent for so long is no fault of whom they go to, and
keeps answers back as well; 0.2 to 0.3 of it were seen where two cores did half of their usual work (decision 0023)."""
MOST_REQUESTS = 10_000_000
"""Above this no number of requests is told that would settle a doubt."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A failure ratio that must not be exceeded, and the confidence with which that is shown."""

    ratio: float
    confidence: float

    def __str__(self) -> str:
        return f"less than {_percent(self.ratio)} fail, at {self.confidence:.0%} confidence"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds from when requests were due: until they were answered well, and until they were sent."""

    p50: float
    p95: float
    p99: float
    send_lag_p99: float

    def __str__(self) -> str:
        if math.isnan(self.p50):
            return "none"
        return f"p50 {_ms(self.p50)}, p95 {_ms(self.p95)}, p99 {_ms(self.p99)} after they were due"


def sample_size(bound: Bound) -> int:
    """Return the fewest requests that show the bound when none of them fails."""
    return math.ceil(math.log(1 - bound.confidence) / math.log1p(-bound.ratio))


def failure_bounds(failed: float, count: float, confidence: float) -> tuple[float, float]:
    """Return the lower and the upper bound of the failure ratio, each at the confidence; (0, 1) for no requests."""
    if not count:
        return 0.0, 1.0
    low = float(stats.beta.ppf(1 - confidence, failed, count - failed + 1)) if failed else 0.0
    high = float(stats.beta.ppf(confidence, failed + 1, count - failed)) if failed < count else 1.0
    return low, high


def settling_size(failed: int, count: int, bound: Bound) -> int | None:
    """Return about how many requests would tell, if as large a part of them failed; None: no number would."""
    if not count or failed / count == bound.ratio:
        return None
    if not failed:
        return sample_size(bound)
    size, ratio = count, failed / count
    while size <= MOST_REQUESTS:
        low, high = failure_bounds(ratio * size, size, bound.confidence)
        if high <= bound.ratio or low > bound.ratio:
            return size
        size = math.ceil(size * 1.01)
    return None


def failures(traffic: Traffic, status: int) -> tuple[Request, ...]:
    """Return the requests without the declared answer."""
    return tuple(each for each in traffic.requests if not each.is_answered(status))


def latencies(traffic: Traffic, status: int) -> Latencies:
    """Return quantiles (nearest rank) of good answers, and of the send lag of all requests; NaN of nothing."""
    good = sorted(each.end - each.scheduled for each in traffic.requests if each.is_answered(status))
    p50, p95, p99 = (quantile(good, each) for each in QUANTILES)
    return Latencies(p50, p95, p99, send_lag(traffic))


def send_lag(traffic: Traffic) -> float:
    """Return the seconds within which 99 of 100 requests went out after they were due; NaN of none."""
    return quantile(sorted(each.start - each.scheduled for each in traffic.requests), LAG_QUANTILE)


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the smallest value that at least this part of the ordered values does not exceed."""
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else math.nan


def late(subject: str, traffic: Traffic, within_seconds: float) -> Iterator[Doubt]:
    """Yield a doubt when requests were sent too late for their latency to mean anything, or none was sent."""
    if not traffic.requests:
        yield Doubt(subject, "requests", "see why the agent sent none")
        return
    lag = send_lag(traffic)
    if lag > within_seconds:
        yield Doubt(
            subject,
            f"requests that are sent in time: 99 of 100 within {_ms(within_seconds)} after they are due",
            "give the machine to the trial alone, or declare a lower rate",
            (f"99 of 100 within {_ms(lag)}, {traffic.count:,} requests from {traffic.node}",),
        )


def is_starved(traffic: Traffic, timeout_seconds: float) -> bool:
    """Tell whether requests, each with this timeout, were sent so late that a failure may be for want of a core."""
    return send_lag(traffic) > STARVED * timeout_seconds


def starved(subject: str, traffic: Traffic, timeout_seconds: float) -> Iterator[Doubt]:
    """Yield a doubt when requests failed and were sent late, maybe for want of a core."""
    if traffic.failed:
        told = f"{len(traffic.failed):,} of {traffic.count:,} requests fail: {kinds(traffic.failed)}"
        yield from late(f"{subject}: {told}", traffic, STARVED * timeout_seconds)


def too_many_failures(
    subject: str, traffic: Traffic, status: int, bound: Bound, evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when more requests fail than the bound allows, with confidence."""
    failed = failures(traffic, status)
    low, _ = failure_bounds(len(failed), traffic.count, bound.confidence)
    if low > bound.ratio:
        yield Failure(
            f"{subject}: too many requests fail",
            str(bound),
            f"{len(failed):,} of {traffic.count:,} failed, at least {_percent(low)}: {kinds(failed)}",
            (f"good answers: {latencies(traffic, status)}",),
            window=f"steady load over kept connections from {traffic.node}",
            hint="the replicas are throttled, too few, or go away; the way to them is not reliable",
            evidence=evidence,
        )


def unsettled(subject: str, traffic: Traffic, status: int, bound: Bound) -> Iterator[Doubt]:
    """Yield a doubt when the requests show neither that the bound is kept nor that it is broken."""
    failed = failures(traffic, status)
    low, high = failure_bounds(len(failed), traffic.count, bound.confidence)
    if low <= bound.ratio < high:
        size = settling_size(len(failed), traffic.count, bound)
        yield Doubt(
            subject,
            f"enough requests to tell whether {bound}",
            f"about {size:,} requests would tell" if size else "no number of requests would tell soon",
            (
                f"{len(failed):,} of {traffic.count:,} failed, {_percent(low)} to {_percent(high)}"
                + (f": {kinds(failed)}" if failed else ""),
            ),
        )


def kinds(failed: Sequence[Request]) -> str:
    """Say what became of failed requests, the most frequent first: ``60 × timeout, 40 × HTTP 503``."""
    return counted(Counter(each.outcome for each in failed).most_common(5))


def first_of(failed: Sequence[Request], since: float) -> str:
    """Tell the first failed requests one by one: what became of each, when since a moment (Unix seconds), and where."""
    return "first: " + ", ".join(
        f"{each.outcome} {each.start - since:+.1f} s ({each.served_by or 'no replica known'})"
        for each in failed[:FIRST]
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.3g} %"
