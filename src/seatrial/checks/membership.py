"""Do names and traffic follow the replicas in time?"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.checks import reliability
from seatrial.checks.reliability import first_of, is_starved, kinds
from seatrial.errors import Doubt, Failure
from seatrial.observe.membership import Membership


def unnamed(member: Membership, within_seconds: float, *, present: bool) -> Iterator[Failure]:
    """Yield each node whose DNS did not follow in time; ``present``: the replica joined, else it left."""
    for node, seconds in sorted(member.named.items()):
        if seconds is None or seconds > within_seconds:
            claim = "is not named" if present else "is still named"
            yield Failure(
                f"{member.service}: replica {member.pod.name} ({member.pod.ip}) {claim} on {node}",
                f"DNS follows within {within_seconds:g} s",
                "not within the bound" if seconds is None else f"after {seconds:.1f} s",
                hint="DNS caches longer than the bound, or endpoints are behind",
            )


def unfound(member: Membership, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure when a replica that joined got no request in time."""
    first = min(member.answers_seconds, default=None)
    if first is None or first > within_seconds:
        yield Failure(
            f"{member.service}: the new replica {member.pod.name} ({member.pod.ip}) gets no traffic in time",
            f"first answer within {within_seconds:g} s after it was ready",
            f"none of {member.traffic.count} requests" if first is None else f"after {first:.1f} s",
            hint="its endpoint is missing, or the nodes' proxies are behind",
        )


def unforgotten(
    member: Membership, within_seconds: float, timeout_seconds: float, evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when a replica that left still answered after the bound, and one when requests failed.

    Those count that were sent in time for their ``timeout_seconds``: see :func:`starved`. Traffic that ends before the
    bound is a failure too: it does not show that the replica is forgotten.
    """
    asked = sum(request.start - member.changed_at > within_seconds for request in member.traffic.requests)
    if not asked:
        yield Failure(
            f"{member.service}: no request was made long enough after replica {member.pod.name} left",
            f"requests later than {within_seconds:g} s after it was asked to go",
            f"0 of {member.traffic.count}",
        )
    late = [seconds for seconds in member.answers_seconds if seconds > within_seconds]
    if late:
        yield Failure(
            f"{member.service}: the removed replica {member.pod.name} ({member.pod.ip}) still gets traffic",
            f"none later than {within_seconds:g} s after it was asked to go",
            f"{len(late)} requests, the last after {max(late):.1f} s",
            hint="its endpoint stayed, or the nodes' proxies are behind",
        )
    failed = member.traffic.failed
    if failed and not is_starved(member.traffic, timeout_seconds):
        yield Failure(
            f"{member.service}: requests fail while replica {member.pod.name} leaves",
            "no failed request",
            f"{len(failed)} of {member.traffic.count} failed: {kinds(failed)}",
            (first_of(failed, member.changed_at),),
            hint="the replica stops to accept before its endpoint is forgotten (preStop, drain)",
            evidence=evidence,
        )


def starved(member: Membership, timeout_seconds: float) -> Iterator[Doubt]:
    """Yield a doubt when requests failed while a replica left, and were sent late, maybe for want of a core."""
    yield from reliability.starved(
        f"{member.service}, while replica {member.pod.name} leaves", member.traffic, timeout_seconds
    )
