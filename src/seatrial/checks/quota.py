"""Is a quota kept: nothing refused below it, and above it exactly the excess?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.checks.turns import told_statuses
from seatrial.errors import Failure
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Quota

REFUSED = 429
SLACK = 2
"""Requests by which the count may differ: the bucket's clock ticks in milliseconds, and one request is under way at
each end of the measurement."""


def allowed(quota: Quota, seconds: float) -> tuple[int, int]:
    """Return the fewest and the most requests that a full bucket lets through in so many seconds."""
    most = 1 + quota.burst + quota.per_second * seconds
    return int(most) - SLACK, int(most) + 1 + SLACK


def wrongly_refused(path: str, replies: Sequence[Reply], status: int) -> Iterator[Failure]:
    """Yield a failure when a request within the quota is not answered as declared."""
    bad = [reply for reply in replies if reply.status != status]
    if bad or not replies:
        yield Failure(
            f"{path}: requests within the quota are not all answered",
            f"HTTP {status} for each",
            f"{len(bad)} of {len(replies)} not: {told_statuses(bad)}" if replies else "nobody asked",
            hint="the bucket is smaller than declared, or others draw from it" if _refused(bad) else "",
        )


def not_kept(path: str, quota: Quota, replies: Sequence[Reply], status: int) -> Iterator[Failure]:
    """Yield a failure unless a burst beyond the quota got exactly what a full bucket holds, and 429 for the rest."""
    subject = f"{path} (quota {quota.per_second} a second, burst {quota.burst}):"
    starts = [reply.start for reply in replies] or [0.0]
    seconds = max(starts) - min(starts)
    fewest, most = allowed(quota, seconds)
    if len(replies) <= most:
        yield Failure(
            f"{subject} nothing was asked beyond the quota",
            f"more than {most} requests in {seconds:.2f} s",
            f"{len(replies)} requests",
            hint="the gateway or the way to it is too slow for a burst",
        )
        return
    strange = [reply for reply in replies if reply.status not in (status, REFUSED)]
    if strange:
        yield Failure(f"{subject} a burst breaks it", f"HTTP {status} or {REFUSED}", told_statuses(strange))
    passed = sum(reply.status == status for reply in replies)
    if not fewest <= passed <= most:
        yield Failure(
            f"{subject} it is not kept",
            f"{fewest} to {most} of {len(replies)} requests in {seconds:.2f} s let through, {REFUSED} for the rest",
            f"{passed} let through, {_refused(replies)} refused",
            hint="no limit on this route" if passed == len(replies) else "another rate or burst than declared",
        )


def _refused(replies: Sequence[Reply]) -> int:
    return sum(reply.status == REFUSED for reply in replies)
