"""Are customers served as well after a fault as before?"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.counted import counted
from seatrial.errors import Doubt, Failure, doubt_on, fail_on
from seatrial.load.records import LoadRecord
from seatrial.tolerances import Tolerances

FEWEST_REQUESTS = 30
"""Below this a median says nothing."""


def check_no_regression(before: LoadRecord, after: LoadRecord, tolerances: Tolerances, evidence: str = "") -> None:
    """Raise Failed when customers fare worse after the fault, Inconclusive when there are too few of them to tell.

    ``after`` is all since the system was whole again: every request counts, and the last of them, ``load_seconds``
    long, tell how fast it is.
    """
    latest = after.last(tolerances.load_seconds)
    doubt_on(too_few(before, latest))
    fail_on([*failing(before, after, tolerances, evidence), *slower(before, latest, tolerances, evidence)])


def is_as_fast(before: LoadRecord, after: LoadRecord, tolerances: Tolerances) -> bool:
    """Tell whether the last requests, ``load_seconds`` long, are enough, and as fast as those before the fault."""
    latest = after.last(tolerances.load_seconds)
    return are_enough(latest) and not [*slower(before, latest, tolerances)]


def are_enough(record: LoadRecord) -> bool:
    """Tell whether there are so many requests that their median says something."""
    return len(record.requests) >= FEWEST_REQUESTS


def too_few(before: LoadRecord, after: LoadRecord) -> Iterator[Doubt]:
    """Yield which of the two spans holds too few requests to be compared."""
    for name, record in (("before", before), ("after", after)):
        if not are_enough(record):
            missing = f"{FEWEST_REQUESTS} requests {name} the fault: there are {len(record.requests)}"
            yield Doubt("customers' journey", missing, "raise load_users or load_seconds in system.yaml")


def failing(before: LoadRecord, after: LoadRecord, tolerances: Tolerances, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure for each span with too many errors."""
    for name, record in (("before", before), ("after", after)):
        if record.success < tolerances.load_success:
            errors = counted(record.errors().most_common(5))
            yield Failure(
                f"customers' journey: requests fail {name} the fault",
                f"at least {tolerances.load_success:.2%} succeed",
                f"{record.success:.2%} of {len(record.requests)}: {errors}",
                evidence=evidence,
            )


def slower(before: LoadRecord, after: LoadRecord, tolerances: Tolerances, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the median latency grew too much."""
    was, is_now = before.quantile(0.5), after.quantile(0.5)
    if is_now / was > tolerances.load_slowdown:
        within = f"within {tolerances.load_recovery_seconds:g} s, for {tolerances.load_seconds:g} s"
        yield Failure(
            "customers' journey: it is slower after the fault than before",
            f"median at most {tolerances.load_slowdown:g} times as long {within}",
            f"{is_now / was:.2f} times: {was * 1000:.1f} ms before, {is_now * 1000:.1f} ms after",
            hint="a replica is missing, cold or throttled",
            evidence=evidence,
        )
