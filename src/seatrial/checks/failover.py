"""Does traffic go to healthy replicas only? Judged on what was seen around a fault to one replica.

A function named ``unproven`` yields doubts: without proof that the fault happened there is nothing to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.checks.timeline import before_it_came_back, came_back, full_again, since_fault, timeline_of
from seatrial.counted import counted
from seatrial.errors import Doubt, Failure
from seatrial.observe.records import Outage, PodView, Request, Traffic

CONFIDENCE = 0.95
"""Of the upper bound on the failure rate that is told beside a run without failures."""


def unproven(outage: Outage) -> Iterator[Doubt]:
    """Yield why an outage cannot be judged: no proof of the fault, no answer of its victim before, no traffic after."""
    subject = f"{outage.service}: {outage.victim.name} {outage.kind}"
    if not outage.proof:
        yield Doubt(subject, "proof that the fault happened", "see the events and the victim's log in the evidence")
    before = [request for request in outage.traffic.requests if request.start < outage.fault_at]
    hits = sum(1 for request in before if request.served_by == outage.victim.name and request.ok)
    if not hits:
        observed = f"an answer of the victim among {len(before)} requests before the fault"
        yield Doubt(subject, observed, "the victim got no traffic even when it was healthy: see AC02")
    if not since_fault(outage):
        yield Doubt(subject, "requests after the fault", "see why the flow of requests ended")


def still_called(outage: Outage, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when requests reach, or are lost in, the victim later than the bound after the fault.

    Also when no request was made later than that, although the victim was still out: then nothing shows it.
    """
    past_bound = [request for request in _during(outage) if request.start - outage.fault_at > within_seconds]
    late = [request for request in past_bound if request.served_by == outage.victim.name or not request.ok]
    if not past_bound and came_back(outage) is None:
        yield _unobserved(outage, f"requests later than {within_seconds:g} s after the fault", evidence)
    if late:
        yield Failure(
            _subject(outage, "still gets requests"),
            f"no request to it later than {within_seconds:g} s after the fault",
            f"{len(late)} requests, the last {late[-1].start - outage.fault_at:.1f} s after it",
            _moments(outage),
            _window(outage),
            _withdrawal_hint(outage),
            evidence,
        )


def failed_requests(outage: Outage, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when any request failed from the fault on, or none was made."""
    requests = since_fault(outage)
    failed = [request for request in requests if not request.ok]
    if not requests:
        yield _unobserved(outage, "requests after the fault", evidence)
    if failed:
        yield Failure(
            _subject(outage, "requests fail"),
            "no failed request",
            f"{len(failed)} of {len(requests)} failed: {_errors(failed)}",
            _moments(outage),
            _window(outage),
            "the replica stops to accept before every node has forgotten its endpoint (preStop, drain)",
            evidence,
        )


def too_many_errors(
    outage: Outage, success: float, window_seconds: float, within_seconds: float, evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when too few requests of the window succeed, and one when errors last longer than the bound.

    The window is for the success only: an error is late whenever it comes. No request in the window is a failure too.
    """
    yield from too_few_succeed(outage, success, window_seconds, evidence)
    yield from lasting_errors(outage, within_seconds, evidence)


def too_few_succeed(outage: Outage, success: float, window_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when too few requests of the window after the fault succeed, or none was made in it."""
    requests = [request for request in since_fault(outage) if request.start < outage.fault_at + window_seconds]
    failed = [request for request in requests if not request.ok]
    good = len(requests) - len(failed)
    if not requests:
        yield _unobserved(outage, f"requests in the {window_seconds:g} s after the fault", evidence)
    elif good / len(requests) < success:
        yield Failure(
            _subject(outage, "too many requests fail"),
            f"at least {100 * success:g} % succeed in the {window_seconds:g} s after it",
            f"{good} of {len(requests)} ({100 * good / len(requests):.1f} %): {_errors(failed)}",
            _moments(outage),
            _window(outage),
            evidence=evidence,
        )


def lasting_errors(outage: Outage, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when a request fails later than the bound after the fault."""
    errors = [request for request in since_fault(outage) if not request.ok]
    late = [request for request in errors if request.start - outage.fault_at > within_seconds]
    if late:
        yield Failure(
            _subject(outage, "errors do not end"),
            f"last error within {within_seconds:g} s",
            f"{len(late)} later, the last {late[-1].start - outage.fault_at:.1f} s after the fault: {_errors(late)}",
            _moments(outage),
            _window(outage),
            evidence=evidence,
        )


def restarted(outage: Outage, now: PodView | None, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the victim is another pod now, or its container was started again."""
    if now is None or now.uid != outage.victim.uid or now.restarts != outage.victim.restarts:
        yield Failure(
            _subject(outage, "is restarted although it only asked for rest"),
            f"the same pod, {outage.victim.restarts} restarts",
            _life(outage, now),
            _moments(outage),
            hint="liveness asks what readiness should ask: the two probes mean different things",
            evidence=evidence,
        )


def not_restarted(outage: Outage, now: PodView | None, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the victim's container was not started again in time, in the same pod."""
    seconds = timeline_of(outage).seconds("restarted")
    if seconds is not None and seconds <= within_seconds:
        return
    cause = "no liveness probe sees the hang" if seconds is None else "liveness is slow"
    yield Failure(
        _subject(outage, "is not restarted in time"),
        f"its container is started again within {within_seconds:g} s",
        _life(outage, now) if seconds is None else f"started again after {seconds:.1f} s",
        _moments(outage),
        hint=f"{cause}, or restarts after crashes are backed off",
        evidence=evidence,
    )


def not_replaced(outage: Outage, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the Service did not come back to as many ready endpoints as before, in time."""
    seconds = next((at - outage.fault_at for at in full_again(outage)), None)
    if seconds is None or seconds > within_seconds:
        withdrawn = timeline_of(outage).seconds("endpoint_removed") is not None
        never = "fewer until the end of the observation" if withdrawn else "its endpoint was never withdrawn"
        yield Failure(
            _subject(outage, "is not replaced in time"),
            f"{len(outage.replicas)} ready endpoints within {within_seconds:g} s",
            never if seconds is None else f"after {seconds:.1f} s",
            _moments(outage),
            evidence=evidence,
        )


def upper_bound(traffic: Traffic) -> str:
    """Say what a run without failures shows: the upper bound of the failure rate."""
    failed, total = len(traffic.failed), traffic.count
    if not total:
        return "no request was made"
    if failed:
        return f"{failed} of {total} requests failed"
    bound = 1 - (1 - CONFIDENCE) ** (1 / total)
    return f"0 of {total} requests failed: failure rate below {100 * bound:.2g} % ({CONFIDENCE:.0%} confidence)"


def _during(outage: Outage) -> list[Request]:
    """Return the requests from the fault until the victim's endpoint came back, if it did."""
    return before_it_came_back(outage, since_fault(outage))


def _unobserved(outage: Outage, expected: str, evidence: str) -> Failure:
    claim = _subject(outage, "is not observed long enough")
    return Failure(claim, expected, _window(outage), _moments(outage), evidence=evidence)


def _life(outage: Outage, now: PodView | None) -> str:
    if now is None or now.uid != outage.victim.uid:
        return "the pod is gone"
    return f"the same pod, {now.restarts} restarts"


def _subject(outage: Outage, claim: str) -> str:
    victim = outage.victim
    return f"{outage.service}: replica {victim.name} (on {victim.node}) {outage.kind} and {claim}"


def _errors(failed: list[Request]) -> str:
    return counted(Traffic("", "", True, tuple(failed)).errors().most_common())


def _moments(outage: Outage) -> tuple[str, ...]:
    timeline = timeline_of(outage)
    shown = (f"{moment.what} {moment.at - outage.fault_at:+.1f} s" for moment in timeline.moments[1:])
    return (f"timeline: {', '.join(shown) or 'nothing followed'}",)


def _window(outage: Outage) -> str:
    requests = since_fault(outage)
    seconds = max(requests[-1].start - outage.fault_at, 0.0) if requests else 0.0
    connections = f"{'fresh' if outage.traffic.fresh else 'kept'} connections from {outage.traffic.node}"
    return f"{len(requests)} requests in {seconds:.1f} s after the fault, {connections}"


def _withdrawal_hint(outage: Outage) -> str:
    timeline = timeline_of(outage)
    if len(outage.replicas) == 1:
        return "it is the only replica: nobody else can answer"
    if timeline.seconds("not_ready") is None:
        return "its readiness never failed: no readiness probe, one that asks too little, or one that is too slow"
    if timeline.seconds("endpoint_removed") is None:
        return "it was not ready and yet its endpoint stayed: publishNotReadyAddresses, or no endpoint controller"
    return "its endpoint was withdrawn, but a node's proxy went on using it"
