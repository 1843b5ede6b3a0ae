"""Are requests handed out as the gateway declares? Counted by who answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from seatrial.counted import counted
from seatrial.errors import Failure
from seatrial.observe.customers import Reply

SPARED = 0.75
"""Of its share, at most, that a slow replica gets of a balancer that asks the least busy one.

Such a balancer draws two and asks the less busy of them; Envoy may draw the same one twice, and asks a replica that is
all busy then: a slow one of three never gets less than a ninth of the requests, a third of its share. Simulated with 12
customers and 360 requests, this bound lies six standard deviations above what a slow one gets; a balancer by chance
stays below it less than once in a thousand runs.
"""


def count(replies: Sequence[Reply], header: str, beside: Collection[str] = ()) -> Counter[str]:
    """Count answers by the replica that they name, but for replicas of another version beside the service."""
    names = (reply.header(header) for reply in replies)
    return Counter(name for name in names if name not in beside)


def unanswered(path: str, replies: Sequence[Reply], status: int, hint: str = "") -> Iterator[Failure]:
    """Yield a failure when a customer got anything but the declared answer."""
    bad = [reply for reply in replies if reply.status != status]
    if bad or not replies:
        yield Failure(
            f"{path}: customers see errors",
            f"HTTP {status} for each request",
            f"{len(bad)} of {len(replies)}: {told_statuses(bad)}" if replies else "nobody asked",
            hint=hint,
        )


def out_of_turn(path: str, counts: Counter[str], replicas: Collection[str], turns: int) -> Iterator[Failure]:
    """Yield a failure unless every replica has its exact share, give or take one for each who takes turns.

    ``turns`` is the number of processes of the gateway that count for themselves: each may be one ahead, or behind.
    """
    share, slack = counts.total() / max(len(replicas), 1), turns + 1
    wrong = [name for name in sorted(replicas) if abs(counts[name] - share) > slack]
    strangers = sorted(set(counts) - set(replicas))
    if wrong or strangers or not counts:
        yield Failure(
            f"{path}: requests are not handed out by turns",
            f"{share:.0f} of {counts.total()} for each of {len(replicas)} replicas, give or take {slack}",
            told_counts(counts),
            hint="another algorithm than declared, or a replica was left out for a while",
        )


def not_spared(path: str, counts: Counter[str], slow: str, replicas: int) -> Iterator[Failure]:
    """Yield a failure when a slow replica gets more than a fraction of its share."""
    share = counts.total() / max(replicas, 1)
    if not counts or counts[slow] > SPARED * share:
        yield Failure(
            f"{path}: the slow replica {slow} is not spared",
            f"at most {SPARED * share:.0f} of {counts.total()} requests, {SPARED:.0%} of its share",
            told_counts(counts),
            hint="requests are handed out by turns, or at random",
        )


def told_statuses(replies: Sequence[Reply]) -> str:
    """Say how many answers there were of each kind, the most frequent first."""
    kinds = Counter(reply.error or f"HTTP {reply.status}" for reply in replies)
    return counted(kinds.most_common())


def told_counts(counts: Counter[str]) -> str:
    """Say who answered how often."""
    return ", ".join(f"{name or 'nobody named'} {hits}" for name, hits in counts.most_common()) or "no answer"
