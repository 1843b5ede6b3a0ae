"""Does a fault stay where it was done? Judged on the requests that others should have answered."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.checks.timeline import since_fault
from seatrial.errors import Failure
from seatrial.observe.records import Outage, Request, Traffic


def failures_of_others(outage: Outage, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when requests fail that the victim did not answer, or nothing was asked from the fault on."""
    requests = since_fault(outage)
    others = [request for request in requests if not request.ok and request.served_by != outage.victim.name]
    subject = f"{outage.service}: replica {outage.victim.name} {outage.kind}"
    if not requests:
        yield Failure(f"{subject} and is not observed", "requests after the fault", "none", evidence=evidence)
    if others:
        yield Failure(
            f"{subject} and requests fail that it did not answer",
            "no failed request but those that it answered",
            f"{len(others)} of {len(requests)} failed elsewhere: {_told(others)}",
            hint="another replica follows it, or connections to it are cut",
            evidence=evidence,
        )


def failures_beside(service: str, traffic: Traffic, since: float, what: str, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when requests to a service that nothing was done to fail from a time on (Unix seconds).

    Also when none was made since then.
    """
    requests = [request for request in traffic.requests if request.start >= since]
    failed = [request for request in requests if not request.ok]
    if not requests:
        yield Failure(f"{service}: is not observed while {what}", "requests meanwhile", "none", evidence=evidence)
    if failed:
        yield Failure(
            f"{service}: requests fail while {what}",
            "no failed request: nothing was done to this service",
            f"{len(failed)} of {len(requests)} failed: {_told(failed)}",
            hint="the fault reaches beyond its targets: shared nodes, or the way to the services",
            evidence=evidence,
        )


def _told(failed: list[Request]) -> str:
    counts = Traffic("", "", True, tuple(failed)).errors()
    return ", ".join(f"{hits} × {error}" for error, hits in counts.most_common())
