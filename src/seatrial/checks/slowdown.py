"""How much slower is one way than another? Blocks of requests on both, in random order within each pair.

Both blocks of a pair meet the same state of the machine, so pairs are what is drawn again by the bootstrap: requests
within a block are not independent of each other. The ratios up to a declared percentile are judged, the others told: 30
blocks of 20 requests have six values above p99, of which one hiccup of the machine makes up the most.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import Doubt, Failure
from seatrial.observe.records import Request, Traffic

QUANTILES = (0.5, 0.95, 0.99)
RESAMPLES = 2000
"""Twenty of the ratios lie then beyond a bound at 99 %, so that it is nearly the same with another seed."""
MOST_FAILED = 0.01
"""Of the requests on the direct way: where more fail there is nothing to compare with."""
MOST_BLOCKS = 100_000
"""Above this no number of blocks is told that would settle a doubt."""

Blocks = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Margin:
    """How many times as long a way may take, the confidence with which that is judged, and up to which percentile."""

    ratio: float
    confidence: float
    """In each direction."""
    percentile: int = 95


@dataclass(frozen=True, slots=True)
class Slowdown:
    """One quantile on both ways, in seconds, and their ratio with its bounds."""

    quantile: float
    slow: float
    direct: float
    low: float
    high: float
    blocks: int
    """Pairs of blocks that it rests on."""

    @property
    def ratio(self) -> float:
        return self.slow / self.direct

    @property
    def name(self) -> str:
        return f"p{self.quantile * 100:g}"

    def __str__(self) -> str:
        return (
            f"{self.name} {self.ratio:.2f} times ({self.low:.2f} to {self.high:.2f}): "
            f"{self.slow * 1000:.1f} ms, directly {self.direct * 1000:.1f} ms"
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """Requests on two ways by turns: ``0`` is the way that is judged, ``1`` the direct one."""

    subject: str
    """What is asked, and what the way is: ``/v1/leads → leads, through the gateway``."""
    traffic: Traffic
    turns: str
    block: int
    """Requests of one block."""
    status: int
    timeout_seconds: float

    def requests(self, way: str) -> list[tuple[Request, ...]]:
        """Return the requests of each block on a way, in order of time."""
        starts = (number * self.block for number, turn in enumerate(self.turns) if turn == way)
        return [self.traffic.requests[start : start + self.block] for start in starts]

    def failed(self, way: str) -> int:
        return sum(not each.is_answered(self.status) for block in self.requests(way) for each in block)

    def seconds(self, way: str) -> Blocks:
        """Return the latencies from when each request was due; one that failed counts as one that took all the time."""
        return [np.array([self._seconds(each) for each in block]) for block in self.requests(way)]

    def _seconds(self, request: Request) -> float:
        took = request.end - request.scheduled
        return took if request.is_answered(self.status) else max(took, self.timeout_seconds)


def draw_turns(pairs: int, dice: random.Random) -> str:
    """Return an order of blocks in which each pair begins with either way by chance."""
    return "".join(dice.choice(("01", "10")) for _ in range(pairs))


def slowdowns(compared: Compared, confidence: float, seed: int) -> list[Slowdown]:
    """Return the slowdown at each quantile; its bounds by a percentile bootstrap over pairs."""
    slow, direct = compared.seconds("0"), compared.seconds("1")
    pairs = len(slow)
    draws = np.random.default_rng(seed).multinomial(pairs, [1 / pairs] * pairs, RESAMPLES)
    whole = np.ones((1, pairs), dtype=np.int64)
    there, here = _quantiles(slow, whole, QUANTILES)[0], _quantiles(direct, whole, QUANTILES)[0]
    ratios = _quantiles(slow, draws, QUANTILES) / _quantiles(direct, draws, QUANTILES)
    lows, highs = np.quantile(ratios, [1 - confidence, confidence], axis=0)
    rows = zip(QUANTILES, map(float, there), map(float, here), map(float, lows), map(float, highs), strict=True)
    return [Slowdown(*row, blocks=pairs) for row in rows]


def _quantiles(blocks: Blocks, draws: NDArray[np.int64], parts: Sequence[float]) -> NDArray[np.float64]:
    """Return for each draw (how often each block counts) the quantiles of all its values, by nearest rank."""
    values = np.concatenate(blocks)
    order = np.argsort(values)
    owner = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])[order]
    values = values[order]
    found = np.empty((len(draws), len(parts)))
    for row, draw in zip(found, draws, strict=True):
        ranks = np.cumsum(draw[owner])
        row[:] = values[np.searchsorted(ranks, np.ceil(np.array(parts) * ranks[-1]))]
    return found


def not_comparable(compared: Compared) -> Iterator[Doubt]:
    """Yield why there is nothing to compare: requests are missing, or the direct way does not work itself."""
    wanted = len(compared.turns) * compared.block
    if compared.traffic.count != wanted:
        yield Doubt(
            compared.subject, f"{wanted:,} requests; there are {compared.traffic.count:,}", "see why the run ended"
        )
        return
    asked, failed = compared.turns.count("1") * compared.block, compared.failed("1")
    if failed > MOST_FAILED * asked:
        yield Doubt(
            compared.subject,
            "a direct way that works: there is nothing to compare with",
            "mend it first: the direct port of the service, and what the trial asks there",
            (f"{failed:,} of {asked:,} direct requests failed",),
        )


def too_slow(
    compared: Compared, found: Sequence[Slowdown], margin: Margin, hint: str, evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when the slowdown at a judged quantile is above the margin, with confidence."""
    bad = [each for each in _judged(found, margin) if each.low > margin.ratio]
    if bad:
        failed = compared.failed("0")
        yield Failure(
            f"{compared.subject}: it costs more time than declared",
            f"{' and '.join(each.name for each in bad)} at most {margin.ratio:g} times as long as directly, "
            f"at {margin.confidence:.0%} confidence",
            str(bad[0]),
            (*(str(each) for each in found if each != bad[0]), *([f"{failed:,} requests failed"] if failed else [])),
            window=_window(compared),
            hint=hint,
            evidence=evidence,
        )


def undecided(compared: Compared, found: Sequence[Slowdown], margin: Margin) -> Iterator[Doubt]:
    """Yield a doubt when the bounds of a slowdown lie on both sides of the margin."""
    open_ones = [each for each in _judged(found, margin) if each.low <= margin.ratio <= each.high]
    if open_ones:
        sizes = [settling_blocks(each, margin) for each in open_ones]
        most = max((size for size in sizes if size), default=0) if all(sizes) else 0
        yield Doubt(
            compared.subject,
            f"blocks enough to tell whether it takes at most {margin.ratio:g} times as long as directly, "
            f"at {margin.confidence:.0%} confidence",
            f"declare slowdown_blocks: {most:,}"
            if most
            else "it lies so near the bound that no number of blocks would tell",
            (*map(str, found), _window(compared)),
        )


def settling_blocks(slowdown: Slowdown, margin: Margin) -> int | None:
    """Return about how many pairs would tell, if the ratio stays as it is; None: more than anybody would take.

    The width of a bound falls with the root of the number of pairs, on a logarithmic scale because these are ratios.
    """
    distance = math.log(margin.ratio / slowdown.ratio)
    width = math.log(slowdown.high / slowdown.ratio) if distance > 0 else math.log(slowdown.ratio / slowdown.low)
    if not distance:
        return None
    # at least one more than there are: these do not tell
    size = max(math.ceil(slowdown.blocks * (width / distance) ** 2), slowdown.blocks + 1)
    return size if size <= MOST_BLOCKS else None


def _judged(found: Sequence[Slowdown], margin: Margin) -> list[Slowdown]:
    return [each for each in found if each.quantile * 100 <= margin.percentile]


def _window(compared: Compared) -> str:
    return (
        f"{compared.traffic.count:,} requests in {len(compared.turns)} blocks by turns, over kept connections, "
        f"from {compared.traffic.node}"
    )
