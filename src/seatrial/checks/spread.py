"""Is traffic spread evenly? Chi-square, zero-hit and no-unexpected-replica on one sample of known power."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from scipy import stats

from seatrial.counted import counted
from seatrial.errors import Failure, UsageError
from seatrial.observe.records import PodView, Traffic

LONGEST_SAMPLE = 200_000
"""Connections that one sample may take; a plan that needs more is refused."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sample is drawn and judged."""

    replicas: int
    size: int
    """Fresh connections to make."""
    critical: float
    """Chi-square above which the sample is not even."""
    alpha: float

    def __str__(self) -> str:
        return f"chi-square {self.critical:.1f} at n={self.size}, alpha={self.alpha:g}"


@dataclass(frozen=True, slots=True)
class Spread:
    """A sample, counted."""

    counts: tuple[tuple[str, int], ...]
    """Answers of each expected replica, by name, and of unexpected ones behind them."""
    chi_square: float
    probability: float
    """Of a chi-square this large when the balancer is even."""


@cache
def plan(replicas: int, *, alpha: float, power: float, smallest_skew: float) -> Plan:
    """Return the sample that finds one replica at ``smallest_skew`` times, or that fraction of, the others' share.

    The noncentral chi-square distribution gives the power of the goodness-of-fit test; the sample is also large
    enough that a healthy replica goes without any hit with probability ``alpha`` at most. Raises ValueError for fewer
    than two replicas, which no test can tell anything about, and UsageError when no sample of bearable size is enough.
    """
    if replicas < 2:
        raise ValueError(f"{replicas} replicas: balancing needs two")
    critical = float(stats.chi2.isf(alpha, replicas - 1))
    weakest = min(_effect(replicas, smallest_skew), _effect(replicas, 1 / smallest_skew))

    def is_enough(size: int) -> bool:
        finds_skew = stats.ncx2.sf(critical, replicas - 1, size * weakest) >= power
        return bool(finds_skew) and replicas * (1 - 1 / replicas) ** size <= alpha

    size = least(
        LONGEST_SAMPLE,
        is_enough,
        sought=f"smallest_skew {smallest_skew:g} at {replicas} replicas",
        unit="connections",
        remedy="declare a larger skew, or fewer replicas",
    )
    return Plan(replicas, size, critical, alpha)


def count(traffic: Traffic, expected: Iterable[str]) -> Spread:
    """Count who answered; ``expected`` names the replicas that should."""
    answers = traffic.answers()
    names = sorted(expected)
    observed: list[int] = [answers[name] for name in names]
    strangers = sorted(set(answers) - set(names))
    if len(names) > 1 and any(observed):
        test = stats.chisquare(observed)
        square, probability = float(test.statistic), float(test.pvalue)
    else:
        square, probability = 0.0, 1.0
    counts = [*zip(names, observed, strict=True), *((name, answers[name]) for name in strangers)]
    return Spread(tuple(counts), square, probability)


def uneven(
    service: str, address: str, traffic: Traffic, pods: tuple[PodView, ...], planned: Plan, evidence: str = ""
) -> Iterator[Failure]:
    """Yield the failures of one sample: requests without a good answer, strangers, silent replicas, skew.

    Fewer than two replicas, or fewer requests than planned, are a failure too: nothing even was seen.
    """
    subject = f"{service} ({address}) from {traffic.node}:"
    yield from not_only_by(service, address, traffic, pods, evidence)
    if len(pods) < 2:
        ready = ", ".join(pod.name for pod in pods) or "none"
        yield Failure(f"{subject} there is nothing to balance", "at least 2 ready pods", ready, evidence=evidence)
    elif 0 < traffic.count < planned.size:
        wanted, made = f"{planned.size} connections", str(traffic.count)
        yield Failure(f"{subject} the sample is too small to tell", wanted, made, evidence=evidence)
    else:
        yield from _skewed(subject, traffic, pods, planned, evidence)


def _skewed(
    subject: str, traffic: Traffic, pods: tuple[PodView, ...], planned: Plan, evidence: str
) -> Iterator[Failure]:
    spread = count(traffic, (pod.name for pod in pods))
    silent = [pod.name for pod in pods if not traffic.answers()[pod.name]]
    heard = len(pods) - len(silent)
    if heard and (silent or spread.chi_square > planned.critical):
        yield Failure(
            f"{subject} traffic is not even over its {len(pods)} ready pods",
            f"{100 / len(pods):.1f} % each; {planned}",
            f"chi-square {spread.chi_square:.1f} (p={spread.probability:.1g})",
            tuple(_details(spread, pods)),
            hint=_hint(silent, heard, traffic.node),
            evidence=evidence,
        )


def not_only_by(
    service: str, address: str, traffic: Traffic, pods: tuple[PodView, ...], evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when a request has no good answer, and one when somebody else than these replicas answers."""
    subject = f"{service} ({address}) from {traffic.node}:"
    spread = count(traffic, (pod.name for pod in pods))
    if not traffic.count:
        yield Failure(f"{subject} no request was made", "at least one request", "none", evidence=evidence)
    if traffic.failed:
        yield Failure(
            f"{subject} not every request was answered",
            f"{traffic.count} good answers",
            f"{len(traffic.failed)} failed: {counted(traffic.errors().most_common())}",
            tuple(_details(spread, pods)),
            hint="the Service has no endpoint for its port, or one that does not answer",
            evidence=evidence,
        )
    strangers = [name for name, _ in spread.counts if name not in {pod.name for pod in pods}]
    if strangers:
        yield Failure(
            f"{subject} a pod answers that is not a ready replica of this service",
            f"answers from {', '.join(pod.name for pod in pods) or 'nobody: no replica is ready'}",
            f"answers from {', '.join(name or 'somebody unnamed' for name in strangers)}",
            tuple(_details(spread, pods)),
            hint="the Service's selector matches other pods too" if any(strangers) else "the answers name no replica",
            evidence=evidence,
        )


def _hint(silent: list[str], heard: int, node: str) -> str:
    if silent and heard == 1:
        return "one replica gets all: session affinity is on, or the others are in no EndpointSlice"
    if silent:
        return f"nothing reaches {', '.join(silent)}: not selected by the Service, or no rule on node {node}"
    return "rules of the nodes' proxies differ, or connections were reused"


def _details(spread: Spread, pods: tuple[PodView, ...]) -> Iterator[str]:
    total = sum(hits for _, hits in spread.counts)
    known = {pod.name: pod for pod in pods}
    for name, hits in spread.counts:
        place = f"on {known[name].node}" if name in known else "not a ready replica of the workload"
        yield f"{name or '(no name given)'} {100 * hits / max(total, 1):.1f} % ({hits} of {total}), {place}"


def _effect(replicas: int, factor: float) -> float:
    """Return the effect size per request (noncentrality / n) of one replica at ``factor`` times the others' share."""
    share = 1 / (replicas - 1 + factor)
    shares = [factor * share] + [share] * (replicas - 1)
    return sum((each - 1 / replicas) ** 2 * replicas for each in shares)


def least(most: int, is_enough: Callable[[int], bool], *, sought: str, unit: str, remedy: str) -> int:
    """Return the size of the smallest sample that is enough for what is sought.

    By bisection: the condition must be monotonic in the size. Where it is so but for a few sizes, as those of exact
    tests are, the sample is enough, and may be a few larger than the smallest. Raises UsageError when ``most`` are not
    enough.
    """
    size = bisect_left(range(1, most + 1), True, key=is_enough) + 1
    if size > most:
        raise UsageError(f"{sought} needs more than {most:,} {unit}", remedy=remedy)
    return size
