"""Does another version of a service get its declared share of the requests? An exact binomial test of known power."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from scipy import stats

from seatrial.checks.spread import least
from seatrial.errors import Failure
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Route

LARGEST_SAMPLE = 50_000
"""Requests that one sample may take; a plan that needs more is refused."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many requests are made, and how many of them the other version may answer."""

    share: float
    size: int
    fewest: int
    most: int
    alpha: float

    def __str__(self) -> str:
        return f"{self.share:.0%}: {self.fewest} to {self.most} of {self.size} requests (alpha={self.alpha:g})"


@dataclass(frozen=True, slots=True)
class Tally:
    """Who answered."""

    other: int
    """Answers of the other version's replicas."""
    current: int
    low: float
    """The share of the other version is between these two with a confidence of 1 - alpha (Clopper and Pearson)."""
    high: float
    probability: float
    """Of a count as far from the declared share as this one, when that is kept."""
    strangers: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.other + self.current


@cache
def plan(percent: int, *, alpha: float, power: float, smallest_skew: float) -> Plan:
    """Return the sample that finds the other version at ``smallest_skew`` times its odds, or that fraction of them.

    The power is that of the exact test itself, not of an approximation. Raises UsageError when no sample of bearable
    size is enough.
    """
    share = percent / 100
    odds = share / (1 - share)
    skewed = [factor * odds / (1 + factor * odds) for factor in (smallest_skew, 1 / smallest_skew)]

    def is_enough(size: int) -> bool:
        fewest, most = _accepted(size, share, alpha)
        return all(_found(size, wrong, fewest, most) >= power for wrong in skewed)

    size = least(
        LARGEST_SAMPLE,
        is_enough,
        sought=f"smallest_skew {smallest_skew:g} at a split of {percent} %",
        unit="requests",
        remedy="declare a larger skew, or a larger share",
    )
    return Plan(share, size, *_accepted(size, share, alpha), alpha)


def tally(
    replies: Sequence[Reply], header: str, current: Collection[str], other: Collection[str], planned: Plan
) -> Tally:
    """Count answers by version; ``current`` and ``other`` name the replicas of each."""
    answers = Counter(reply.header(header) for reply in replies)
    k, rest = (sum(answers[name] for name in names) for names in (other, current))
    test = stats.binomtest(k, k + rest, planned.share) if k + rest else None
    interval = test.proportion_ci(confidence_level=1 - planned.alpha) if test else None
    return Tally(
        k,
        rest,
        float(interval.low) if interval else 0.0,
        float(interval.high) if interval else 1.0,
        float(test.pvalue) if test else 1.0,
        tuple(sorted(set(answers) - set(current) - set(other))),
    )


def silent(route: Route, counted: Tally) -> Iterator[Failure]:
    """Yield a failure for each version that answered nothing, and when somebody else answered."""
    assert route.split
    versions = {route.service: counted.current, route.split.service: counted.other}
    for name, hits in versions.items():
        if not hits:
            yield Failure(
                f"{route.path}: nobody of {name} answers",
                f"answers of both {' and '.join(versions)}",
                ", ".join(f"{each} {number}" for each, number in versions.items()),
                hint="no share of the route leads there, or nothing is behind it",
            )
    if counted.strangers:
        yield Failure(
            f"{route.path}: somebody else answers",
            f"replicas of {' and '.join(versions)}",
            ", ".join(name or "nobody named" for name in counted.strangers),
        )


def wrong_share(route: Route, counted: Tally, planned: Plan, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the sample is smaller than planned, or the other version's share is not the declared one."""
    assert route.split
    if counted.total < planned.size:
        wanted = f"{planned.size} answers of either version"
        yield Failure(f"{route.path}: the sample is too small to tell shares", wanted, str(counted.total))
    elif not planned.fewest <= counted.other <= planned.most:
        share = counted.other / counted.total
        yield Failure(
            f"{route.path}: {route.split.service} does not get its share",
            str(planned),
            f"{counted.other} ({share:.1%}): its share is between {counted.low:.1%} and {counted.high:.1%}"
            f" (p={counted.probability:.1g})",
            hint="the weights are not those that are declared",
            evidence=evidence,
        )


def _accepted(size: int, share: float, alpha: float) -> tuple[int, int]:
    """Return the fewest and the most answers that are no reason to doubt the share: half of alpha on either side."""
    return int(stats.binom.ppf(alpha / 2, size, share)), int(stats.binom.isf(alpha / 2, size, share))


def _found(size: int, share: float, fewest: int, most: int) -> float:
    """Return the probability that a sample of another share falls out of the accepted counts."""
    return float(stats.binom.cdf(fewest - 1, size, share) + stats.binom.sf(most, size, share))
