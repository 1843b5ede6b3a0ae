"""Is a replica left out that fails although it is ready, and let in again? Counted in the replicas' logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from scipy import stats

from seatrial.checks.spread import LONGEST_SAMPLE, least
from seatrial.checks.turns import told_counts
from seatrial.errors import Doubt, Failure
from seatrial.observe.request_log import Attempt
from seatrial.system_gateway import Ejection

CLEARLY = 2.0
"""How many times as large as the bound a replica's full share must be for the bound to mean anything."""


@dataclass(frozen=True, slots=True)
class Spell:
    """One route that was read steadily while one replica of its service failed and stayed ready."""

    path: str
    victim: str
    replicas: int
    """Of the service."""
    gateways: int
    """Replicas of the gateway."""
    seconds: float
    """From the first request under the fault to the last."""
    stayed_ready: bool
    """Whether the victim was a ready endpoint all the time."""
    attempts: tuple[Attempt, ...]
    """What the replicas saw of the customers' requests."""

    @property
    def given(self) -> int:
        """Return how many requests the victim got."""
        return sum(each.pod == self.victim for each in self.attempts)

    @property
    def share(self) -> float:
        """Return how many it gets when nobody leaves it out: what is asked again goes to another."""
        return len({each.request_id for each in self.attempts}) / max(self.replicas, 1)

    def most(self, ejection: Ejection) -> int:
        """Return how many requests it may get: each replica of the gateway gives it so many in each period begun."""
        return floor(self.gateways * ejection.failures * (1 + self.seconds / ejection.for_seconds))


def unproven(spell: Spell, ejection: Ejection) -> Iterator[Doubt]:
    """Yield why a route tells nothing: the replica was not ready, did not fail, or too little was asked."""
    subject, most = f"{spell.path}: replica {spell.victim} and its failures", spell.most(ejection)
    if not spell.stayed_ready:
        yield Doubt(
            subject,
            "proof that it was a ready endpoint all the time: who is not ready is left out by everybody",
            "see why its readiness changed; the fault must leave it alone",
        )
    elif not any(each.pod == spell.victim and each.status >= 500 for each in spell.attempts):
        yield Doubt(
            subject,
            f"at least one answer of it with a server error; its log has {spell.given} requests",
            "see whether the gateway reached it before the fault, and what the fault switch 'broken' does",
        )
    elif spell.share < CLEARLY * most:
        yield Doubt(
            subject,
            f"more requests: its full share is {spell.share:.0f}, and {most} are allowed ({_sum(spell, ejection)})",
            f"raise reads_per_second or reads_seconds until the share is {CLEARLY:g} times the bound",
        )


def not_left_out(spell: Spell, ejection: Ejection) -> Iterator[Failure]:
    """Yield a failure when a replica that fails gets more requests than declared."""
    most = spell.most(ejection)
    if spell.given > most:
        yield Failure(
            f"{spell.path}: replica {spell.victim} fails, and is not left out",
            f"at most {most} requests for it ({_sum(spell, ejection)})",
            f"{spell.given}; its full share is {spell.share:.0f}",
            (told_counts(Counter(each.pod for each in spell.attempts)),),
            window=f"{spell.seconds:.1f} s in which it answered every request with an error, and was ready",
            hint="the gateway does not count failures, or forgets them too soon",
        )


def fewest(size: int, replicas: int, alpha: float) -> int:
    """Return the least number of a sample that one replica gets of an even balancer, but for a probability of alpha."""
    return int(stats.binom.ppf(alpha, size, 1 / replicas))


def sample_size(replicas: int, *, alpha: float, power: float, smallest_skew: float) -> int:
    """Return how many requests tell a fair share from one that is ``smallest_skew`` times smaller.

    One replica of a gateway's two that still leaves it out takes half of its share away. Raises UsageError when no
    sample of bearable size is enough.
    """
    withheld = 1 / (replicas * smallest_skew)
    return least(
        LONGEST_SAMPLE,
        lambda size: bool(stats.binom.cdf(fewest(size, replicas, alpha) - 1, size, withheld) >= power),
        sought=f"smallest_skew {smallest_skew:g} at {replicas} replicas",
        unit="requests",
        remedy="declare a larger skew, or fewer replicas",
    )


def not_let_in(
    path: str, victim: str, counts: Counter[str], replicas: int, within_seconds: float, alpha: float
) -> Iterator[Failure]:
    """Yield a failure when a replica that is well again does not get a fair share of a sample."""
    size = counts.total()
    fair = fewest(size, replicas, alpha)
    if not size or counts[victim] < fair:
        yield Failure(
            f"{path}: replica {victim} is well again, and not let in",
            f"at least {fair} of {size} requests within {within_seconds:g} s (1 of {replicas} each; alpha={alpha:g})",
            told_counts(counts),
            hint="the gateway, or one replica of it, leaves it out for longer than declared",
        )


def _sum(spell: Spell, ejection: Ejection) -> str:
    """Say how the bound comes about."""
    periods = f"(1 + {spell.seconds:.1f} s / {ejection.for_seconds:g} s)"
    return f"{spell.gateways} gateways × {ejection.failures} failures × {periods}"
