"""Does traffic go to healthy replicas only? Judged on what was seen around a fault to one replica.

A function named ``unproven`` yields doubts: without proof that the fault happened there is nothing to judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.checks.timeline import full_again, timeline_of
from seatrial.errors import Doubt, Failure
from seatrial.observe.records import Outage, PodView, Request, Traffic

CONFIDENCE = 0.95
"""Of the upper bound on the failure rate that is told beside a run without failures."""


def unproven(outage: Outage) -> Iterator[Doubt]:
    """Yield why an outage cannot be judged: no proof of the fault, or no traffic to its victim before it."""
    subject = f"{outage.service}: {outage.victim.name} {outage.kind}"
    if not outage.proof:
        yield Doubt(subject, "proof that the fault happened", "see the events and the victim's log in the evidence")
    before = [request for request in outage.traffic.requests if request.start < outage.fault_at]
    hits = sum(1 for request in before if request.served_by == outage.victim.name and request.ok)
    if not hits:
        observed = f"an answer of the victim among {len(before)} requests before the fault"
        yield Doubt(subject, observed, "the victim got no traffic even when it was healthy: see AC02")


def still_called(outage: Outage, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when requests reach, or are lost in, the victim later than the bound after the fault."""
    late = [
        request
        for request in _during(outage)
        if request.start - outage.fault_at > within_seconds
        and (request.served_by == outage.victim.name or not request.ok)
    ]
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
    """Yield a failure when any request failed from the fault on."""
    failed = [request for request in _after(outage) if not request.ok]
    if failed:
        yield Failure(
            _subject(outage, "requests fail"),
            "no failed request",
            f"{len(failed)} of {len(_after(outage))} failed: {_errors(outage)}",
            _moments(outage),
            _window(outage),
            "the replica stops to accept before every node has forgotten its endpoint (preStop, drain)",
            evidence,
        )


def too_many_errors(
    outage: Outage, success: float, window_seconds: float, within_seconds: float, evidence: str = ""
) -> Iterator[Failure]:
    """Yield a failure when too few requests of the window succeed, and one when errors last longer than the bound."""
    requests = [request for request in _after(outage) if request.start < outage.fault_at + window_seconds]
    failed = [request for request in requests if not request.ok]
    ratio = 1 - len(failed) / len(requests) if requests else 0.0
    facts = (_moments(outage), _window(outage))
    if ratio < success:
        yield Failure(
            _subject(outage, "too many requests fail"),
            f"at least {success:.1%} succeed in the {window_seconds:g} s after it",
            f"{ratio:.1%} of {len(requests)}: {_errors(outage)}",
            *facts,
            evidence=evidence,
        )
    if failed and failed[-1].start - outage.fault_at > within_seconds:
        yield Failure(
            _subject(outage, "errors do not end"),
            f"last error within {within_seconds:g} s",
            f"last error {failed[-1].start - outage.fault_at:.1f} s after the fault: {_errors(outage)}",
            *facts,
            evidence=evidence,
        )


def restarted(outage: Outage, now: PodView | None, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the victim is another pod now, or its container was started again."""
    if now is None or now.uid != outage.victim.uid or now.restarts != outage.victim.restarts:
        observed = "the pod is gone" if now is None or now.uid != outage.victim.uid else f"restart {now.restarts}"
        yield Failure(
            _subject(outage, "is restarted although it only asked for rest"),
            f"the same pod, {outage.victim.restarts} restarts",
            observed,
            _moments(outage),
            hint="liveness asks what readiness should ask: the two probes mean different things",
            evidence=evidence,
        )


def not_restarted(outage: Outage, now: PodView | None, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the victim's container was not started again in time, in the same pod."""
    seconds = timeline_of(outage).seconds("restarted")
    if seconds is not None and seconds <= within_seconds:
        return
    state = f"the same pod, {now.restarts} restarts" if now and now.uid == outage.victim.uid else "the pod is gone"
    yield Failure(
        _subject(outage, "is not restarted"),
        f"its container is started again within {within_seconds:g} s",
        state if seconds is None else f"started again after {seconds:.1f} s",
        _moments(outage),
        hint="no liveness probe sees the hang" if seconds is None else "liveness is slow, or restarts are backed off",
        evidence=evidence,
    )


def not_replaced(outage: Outage, within_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the Service did not come back to as many ready endpoints as before, in time."""
    seconds = next((at - outage.fault_at for at in full_again(outage)), None)
    if seconds is None or seconds > within_seconds:
        yield Failure(
            _subject(outage, "is not replaced in time"),
            f"{len(outage.replicas)} ready endpoints within {within_seconds:g} s",
            "fewer until the end of the observation" if seconds is None else f"after {seconds:.1f} s",
            _moments(outage),
            evidence=evidence,
        )


def upper_bound(traffic: Traffic) -> str:
    """Say what a run without failures shows: the upper bound of the failure rate."""
    failed, total = len(traffic.failed), traffic.count
    if failed or not total:
        return f"{failed} of {total} requests failed"
    return (
        f"0 of {total} requests failed: failure rate below {-math.log(1 - CONFIDENCE) / total:.2%} ({CONFIDENCE:.0%})"
    )


def _after(outage: Outage) -> list[Request]:
    return [request for request in outage.traffic.requests if request.start >= outage.fault_at]


def _during(outage: Outage) -> list[Request]:
    """Return the requests from the fault until the victim's endpoint came back, if it did."""
    until = next((at for at in full_again(outage)), math.inf)
    return [request for request in _after(outage) if request.start < until]


def _subject(outage: Outage, claim: str) -> str:
    victim = outage.victim
    return f"{outage.service}: replica {victim.name} (on {victim.node}) {outage.kind} and {claim}"


def _errors(outage: Outage) -> str:
    counts = Traffic("", "", True, tuple(_after(outage))).errors()
    return ", ".join(f"{hits} × {error}" for error, hits in counts.most_common())


def _moments(outage: Outage) -> tuple[str, ...]:
    timeline = timeline_of(outage)
    shown = (f"{moment.what} {moment.at - outage.fault_at:+.1f} s" for moment in timeline.moments[1:])
    return (f"timeline: {', '.join(shown) or 'nothing followed'}",)


def _window(outage: Outage) -> str:
    requests = _after(outage)
    seconds = requests[-1].start - outage.fault_at if requests else 0.0
    return f"{len(requests)} requests in {seconds:.1f} s after the fault, fresh connections from {outage.traffic.node}"


def _withdrawal_hint(outage: Outage) -> str:
    timeline = timeline_of(outage)
    if timeline.seconds("not_ready") is None:
        return "its readiness never failed: no readiness probe, one that asks too little, or one that is too slow"
    if timeline.seconds("endpoint_removed") is None:
        return "it was not ready and yet its endpoint stayed: publishNotReadyAddresses, or no endpoint controller"
    return "its endpoint was withdrawn, but a node's proxy went on using it"
