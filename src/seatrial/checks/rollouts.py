"""Does a change of the replicas cost requests, and did it happen at all?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from seatrial.checks import reliability
from seatrial.checks.reliability import failure_bounds, first_of, is_starved, kinds
from seatrial.errors import Doubt, Failure
from seatrial.observe.lineup import Lineup
from seatrial.observe.records import PodView, Request, Traffic
from seatrial.observe.rounds import BACK, FRESH, IN, KEPT, OUT, UPDATE, Round

HINTS = {
    FRESH: "a replica stops to accept before every node has forgotten its endpoint, or gets requests too soon",
    KEPT: "a replica closes connections, or ends, without telling those who use them",
}


def unfinished(round: Round, within_seconds: float) -> Iterator[Failure]:
    """Yield each service whose change did not come to its end in time."""
    for phase in round.phases:
        for service, lineup in phase.after.items():
            if not lineup.settled:
                stuck = [pod for pod in lineup.pods if not pod.ready or pod.terminating]
                yield Failure(
                    f"{service}: the {phase.name} does not come to its end",
                    f"all replicas as wanted, ready, and no others, within {within_seconds:g} s",
                    str(lineup),
                    tuple(map(_state, stuck)),
                    window=f"round {round.number}, {phase.ended - phase.began:.1f} s",
                    hint=_why_stuck(stuck),
                )


def unproven(round: Round, boot_seconds: Mapping[str, float]) -> Iterator[Doubt]:
    """Yield each change that did not do to a service what it says.

    ``boot_seconds``: service to the time that its new replicas must take at least to be ready, where they boot slowly.
    """
    first = next((phase.before for phase in round.phases), {})
    for phase in round.phases:
        for service, after in phase.after.items():
            before = phase.before[service]
            subject = f"{service}: the {phase.name} of round {round.number}"
            for missing, detail in _missing(phase.name, before, after, first[service]):
                yield Doubt(subject, missing, "see who else changes the Deployment", (detail,))
            if phase.name == UPDATE and service in boot_seconds:
                yield from _quick(subject, after, boot_seconds[service])


def lost(round: Round, evidence: Mapping[str, str], timeout_seconds: float) -> Iterator[Failure]:
    """Yield, for each service, kind of connection and phase, the requests that failed and were sent in time.

    ``evidence``: kind of connection to the file that holds its requests. ``timeout_seconds``: of each request.
    """
    for kind, services in round.traffic.items():
        for service, traffic in services.items():
            if is_starved(traffic, timeout_seconds):
                continue
            for part in _parts(round, traffic):
                failed = [each for each in part.requests if not each.ok]
                if failed:
                    yield Failure(
                        f"{service}: requests over {kind} connections fail {part.when}",
                        "no failed request",
                        f"{len(failed):,} of {len(part.requests):,} failed: {kinds(failed)}",
                        (first_of(failed, part.began),),
                        window=f"{part.seconds:.1f} s of round {round.number}; {traffic.url} from {traffic.node}, "
                        "nobody tries again",
                        hint=HINTS[kind],
                        evidence=evidence.get(kind, ""),
                    )


def starved(round: Round, timeout_seconds: float) -> Iterator[Doubt]:
    """Yield each service and kind of connection whose requests failed and were sent late, maybe for want of a core."""
    for kind, services in round.traffic.items():
        for service, traffic in services.items():
            subject = f"{service}, {kind} connections, round {round.number}"
            yield from reliability.starved(subject, traffic, timeout_seconds)


def silent(round: Round, gap_seconds: float) -> Iterator[Doubt]:
    """Yield each service that was not asked for too long while it changed: what failed then was not seen."""
    if not round.phases:
        return
    began, ended = round.phases[0].began, round.phases[-1].ended
    for kind, services in round.traffic.items():
        for service, traffic in services.items():
            starts = sorted(each.start for each in traffic.requests if began <= each.start <= ended)
            times = [began, *starts, ended]
            gap, at = max((later - sooner, sooner) for sooner, later in pairwise(times))
            if gap > gap_seconds:
                yield Doubt(
                    f"{service}, {kind} connections, round {round.number}",
                    f"requests all the time: never none for more than {gap_seconds:g} s",
                    "give the machine to the trial alone, or declare a lower rate",
                    (f"none for {gap:.1f} s, from {at - began:+.1f} s on; {len(starts):,} requests in all",),
                )


def too_few(rounds: Sequence[Round], wanted: int) -> Iterator[Doubt]:
    """Yield each kind of connection over which fewer requests were sent than the claim needs."""
    for kind in (FRESH, KEPT):
        count = sum(round.requests(kind) for round in rounds)
        if count < wanted:
            what = f"enough requests: {wanted:,}"
            yield Doubt(
                f"all services, {kind} connections", what, "see why the agents sent fewer", (f"{count:,} sent",)
            )


def upper_bound(rounds: Sequence[Round], kind: str, confidence: float) -> tuple[int, int, float]:
    """Return how many requests of a kind were sent, how many failed, and the upper bound of the failure ratio.

    Without a failure that is about -ln(1 - confidence)/n.
    """
    traffic = [each for round in rounds for each in round.traffic[kind].values()]
    count, failed = sum(each.count for each in traffic), sum(len(each.failed) for each in traffic)
    return count, failed, failure_bounds(failed, count, confidence)[1]


def _missing(name: str, before: Lineup, after: Lineup, first: Lineup) -> Iterator[tuple[str, str]]:
    stayed, more = before.uids & after.uids, len(after.pods) - len(before.pods)
    if name in (UPDATE, BACK) and (stayed or not after.pods):
        yield "the replacement of every replica", f"{len(stayed)} of {len(before.pods)} pods stayed"
    if name == UPDATE and before.templates & after.templates:
        yield "a new template", f"{', '.join(sorted(after.templates))} before and after"
    if name == BACK and after.templates != first.templates:
        told = f"{', '.join(sorted(first.templates))} at first, {', '.join(sorted(after.templates))} now"
        yield "the return to the former template", told
    if name in (OUT, IN):
        wanted = 1 if name == OUT else -1
        if more != wanted or len(stayed) != min(len(before.pods), len(after.pods)):
            told = f"{len(before.pods)} pods before, {len(after.pods)} after, {len(stayed)} of them the same"
            yield f"one replica {'more' if name == OUT else 'fewer'}, and the others as they were", told


def _quick(subject: str, after: Lineup, seconds: float) -> Iterator[Doubt]:
    took = {pod.name: pod.ready_since - pod.created for pod in after.pods}
    quick = [f"{name} was ready after {each:.0f} s" for name, each in sorted(took.items()) if each < seconds]
    if quick:
        what = f"a slow boot: of {seconds:g} s at least, as long as liveness waits"
        yield Doubt(subject, what, "declare a longer one in slow_boot", tuple(quick))


class _Part(NamedTuple):
    """The requests that ended in one phase, or before the first."""

    when: str
    began: float
    requests: Sequence[Request]

    @property
    def seconds(self) -> float:
        return self.requests[-1].start - self.began if self.requests else 0.0


def _parts(round: Round, traffic: Traffic) -> Iterator[_Part]:
    """Yield all requests: each in the phase in which it ended, for what a phase did lasts until the next one begins."""
    began = min((each.start for each in traffic.requests), default=0.0)
    parts = [("before any change", began), *((f"during the {phase.name}", phase.began) for phase in round.phases)]
    ends = [*(began for _, began in parts[1:]), math.inf]
    for number, ((when, began), ends_at) in enumerate(zip(parts, ends, strict=True)):
        since = began if number else -math.inf
        yield _Part(when, began, [each for each in traffic.requests if since <= each.end < ends_at])


def _state(pod: PodView) -> str:
    state = "is leaving" if pod.terminating else "is not ready"
    why = f" ({pod.ended})" if pod.ended else ""
    return f"{pod.name} on {pod.node or 'no node'} {state}, {pod.restarts} restarts{why}"


def _why_stuck(pods: Sequence[PodView]) -> str:
    if any(pod.restarts for pod in pods):
        return "new replicas are ended before they are ready: no startup probe, or one that gives up, or they crash"
    if any(not pod.node for pod in pods):
        return "there is no room on any node for another replica"
    return "new replicas never say that they are ready" if pods else "the controller does not go on"
