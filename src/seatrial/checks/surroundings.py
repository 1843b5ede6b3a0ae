"""Do the services go on while something around them fails? Judged on what was seen from before until after it.

What yields doubts says why nothing can be judged.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from seatrial.errors import Doubt, Failure
from seatrial.observe.disturbance import Disturbance
from seatrial.observe.names import Asked
from seatrial.observe.records import Request, Traffic


def unproven(disturbance: Disturbance) -> Iterator[Doubt]:
    """Yield why a disturbance tells nothing: no effect of it was seen, or nobody asked meanwhile."""
    yield from ineffective(disturbance.told, disturbance.effects)
    for service in disturbance.traffic:
        if not disturbance.meanwhile(service):
            yield Doubt(disturbance.told, f"requests to {service} meanwhile", "see why the flow of requests ended")


def ineffective(told: str, effects: Mapping[str, bool]) -> Iterator[Doubt]:
    """Yield why nothing shows that an experiment had an effect: its probes saw none, or it has no such probe."""
    if not effects:
        yield Doubt(told, "a probe of its effect", "give its experiment a probe named effect-…")
    for probe, seen in effects.items():
        if not seen:
            yield Doubt(told, f"its effect: the probe {probe!r} saw none", "see the experiment's log")


def failed(disturbance: Disturbance, service: str, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when any request to a service failed from the fault on."""
    requests = disturbance.since(service)
    lost = [request for request in requests if not request.ok]
    if lost:
        yield Failure(
            f"{service}: requests fail after {disturbance.told}",
            "no failed request",
            f"{len(lost)} of {len(requests)} failed: {_errors(lost)}",
            (_between(lost, disturbance.began),),
            _window(disturbance, service),
            evidence=evidence,
        )


def answered_by_newcomers(disturbance: Disturbance, service: str, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when a replica answers that was not there before: the bad version, where nothing else is new."""
    old = disturbance.replicas[service]
    answers = Counter(each.served_by for each in disturbance.since(service) if each.ok and each.served_by not in old)
    if answers:
        yield Failure(
            f"{service}: a version that is never ready gets requests",
            "answers of the former replicas only",
            ", ".join(f"{count} of {name or 'nobody by name'}" for name, count in answers.most_common()),
            window=_window(disturbance, service),
            hint="its Service publishes addresses that are not ready, or a proxy balances over pods by itself",
            evidence=evidence,
        )


def slowed(disturbance: Disturbance, service: str, delay_seconds: float, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when requests from elsewhere take longer than before by at least half of the delay (median)."""
    parts = (disturbance.before(service), disturbance.meanwhile(service))
    before, meanwhile = ([each.end - each.start for each in part if each.ok] for part in parts)
    if not before or not meanwhile:
        return  # nothing to compare: told by :func:`unproven` and :func:`failed`
    then, now = statistics.median(before), statistics.median(meanwhile)
    if now >= then + delay_seconds / 2:
        yield Failure(
            f"{service}: what delays one call delays others, too, in {disturbance.told}",
            f"less than {1000 * (then + delay_seconds / 2):.0f} ms: half of the delay more than before",
            f"median {1000 * now:.0f} ms, {1000 * then:.0f} ms before",
            window=_window(disturbance, service),
            hint="callers that wait for the slow call keep what others need: connections, threads, the event loop",
            evidence=evidence,
        )


def unasked(asked: Sequence[Asked], disturbance: Disturbance, grace_seconds: float = 0.0) -> Iterator[Doubt]:
    """Yield a doubt when no name was asked for after the time in which it needs no answer."""
    if not any(each.at >= disturbance.began + grace_seconds for each in asked):
        missing = f"questions for names {grace_seconds:g} s after the fault and later"
        yield Doubt(disturbance.told, missing, "see why nobody asked any more")


def unanswered(
    asked: Sequence[Asked], disturbance: Disturbance, within_seconds: float, grace_seconds: float = 0.0
) -> Iterator[Failure]:
    """Yield a failure for each node on which a question is not answered in time.

    Questions that are asked, or under way, within ``grace_seconds`` after the fault may go unanswered.
    """
    begins = disturbance.began + grace_seconds
    judged = [each for each in asked if (each.at if grace_seconds else each.ended) >= begins]
    bad: defaultdict[str, list[Asked]] = defaultdict(list)
    for each in judged:
        if not each.answered or each.seconds > within_seconds:
            bad[each.node].append(each)
    late = f", from {grace_seconds:g} s after the fault on" if grace_seconds else ""
    for node, questions in sorted(bad.items()):
        total = sum(1 for each in judged if each.node == node)
        yield Failure(
            f"names are not answered on {node} after {disturbance.told}",
            f"each within {within_seconds:g} s{late}",
            f"{len(questions)} of {total} are not: {_codes(questions)}",
            (f"the last was {questions[-1].name} {questions[-1].at - disturbance.began:.1f} s after the fault",),
            hint="no server is ready, or the node's proxy still leads to one that is gone",
        )


def _codes(questions: Sequence[Asked]) -> str:
    counts = Counter(each.rcode if not each.answered else "late answer" for each in questions)
    slowest = max(each.seconds for each in questions)
    return f"{', '.join(f'{count} × {code}' for code, count in counts.most_common())}; the slowest {slowest:.1f} s"


def _errors(lost: Sequence[Request]) -> str:
    counts = Traffic("", "", True, tuple(lost)).errors()
    return ", ".join(f"{count} × {error}" for error, count in counts.most_common())


def _between(lost: Sequence[Request], began: float) -> str:
    return f"from {lost[0].start - began:.1f} s to {lost[-1].start - began:.1f} s after the fault"


def _window(disturbance: Disturbance, service: str) -> str:
    traffic, requests = disturbance.traffic[service], disturbance.since(service)
    seconds = max(requests[-1].start - disturbance.began, 0.0) if requests else 0.0
    connections = f"{'fresh' if traffic.fresh else 'kept'} connections from {traffic.node}"
    return f"{len(requests)} requests in {seconds:.1f} s after the fault, {connections}"
