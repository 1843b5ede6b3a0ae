"""From raw records to the timeline of one outage: what happened when, counted from the fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seatrial.observe.records import UNDERGOES, Moment, Outage, Request, Timeline

ORDER = ("fault", "first_error", "not_ready", "endpoint_removed", "last_answer", "last_error", "restarted", "full")
"""The moments that a timeline may have: the first error; the victim's Ready condition lost; its endpoint withdrawn;
the last request that it answered; the last error; its container started again; as many ready endpoints as before."""
SEEN_LATE_SECONDS = 0.5
"""By how much a change may be seen later here than by the proxies; 0.1 s was measured on two busy cores."""


def timeline_of(outage: Outage) -> Timeline:
    """Return the moments of an outage in order of time; a moment that did not come is left out."""
    moments = (Moment(at, what, detail) for what, at, detail in _moments(outage))
    return Timeline(outage.service, outage.fault_at, tuple(sorted(moments, key=lambda moment: moment.at)))


def _moments(outage: Outage) -> Iterator[tuple[str, float, str]]:
    victim, fault_at = outage.victim, outage.fault_at
    yield "fault", fault_at, f"{victim.name} {outage.kind}"
    after = since_fault(outage)
    errors = [request for request in after if not request.ok]
    if errors:
        first, last = errors[0], errors[-1]
        yield "first_error", max(first.start, fault_at), first.outcome
        yield "last_error", max(last.start, fault_at), last.outcome
    answers = _of_this_life(outage, after)
    if answers:
        yield "last_answer", max(answers[-1].start, fault_at), victim.name
    yield from _seen(outage)


def fault_of(timeline: Timeline) -> str:
    """Return what was done, as the moment of the fault says: ``hangs``, or an experiment's name; empty if nothing."""
    told = next((moment.detail for moment in timeline.moments if moment.what == "fault"), "")
    return told.partition(" ")[2].removeprefix(UNDERGOES)


def since_fault(outage: Outage) -> list[Request]:
    """Return the requests from the fault on, and those that were under way when it happened."""
    return [request for request in outage.traffic.requests if request.end >= outage.fault_at]


def before_it_came_back(outage: Outage, requests: Iterable[Request]) -> list[Request]:
    """Return the requests that ended before the victim's endpoint came back, if it did.

    A proxy may know of that a little sooner than it is seen here: what ends just before may be of the new life.
    """
    back = came_back(outage)
    return [request for request in requests if back is None or request.end < back - SEEN_LATE_SECONDS]


def _of_this_life(outage: Outage, after: Iterable[Request]) -> list[Request]:
    """Return the victim's answers after the fault, without those that it gave after it had come back."""
    return [request for request in before_it_came_back(outage, after) if request.served_by == outage.victim.name]


def came_back(outage: Outage) -> float | None:
    """Return when the victim's endpoint was ready again after it had been withdrawn; None when it was not."""
    withdrawn = False
    for change in outage.changes.endpoints:
        if (
            change.pod == outage.victim.name
            and change.service == outage.endpoint_service
            and change.at >= outage.fault_at
        ):
            if withdrawn and change.ready:
                return change.at
            withdrawn = withdrawn or not change.ready
    return None


def _seen(outage: Outage) -> Iterator[tuple[str, float, str]]:
    victim, fault_at = outage.victim, outage.fault_at
    pods = [change for change in outage.changes.pods if change.uid == victim.uid and change.at >= fault_at]
    yield from _first("not_ready", (change.at for change in pods if not change.ready), victim.name)
    yield from _first("restarted", (change.at for change in pods if change.restarts > victim.restarts), victim.name)
    endpoints = [change for change in outage.changes.endpoints if change.service == outage.endpoint_service]
    gone = (
        change.at for change in endpoints if change.pod == victim.name and change.at >= fault_at and not change.ready
    )
    yield from _first("endpoint_removed", gone, victim.name)
    yield from _first("full", full_again(outage), f"{len(outage.replicas)} endpoints")


def full_again(outage: Outage) -> Iterator[float]:
    """Yield the times after the fault at which the Service came back to as many ready endpoints as it had."""
    return (at for at, whole in _turns(outage) if whole)


def full_at(outage: Outage) -> float:
    """Return when the Service was whole again for good; the end of the observation when it never was."""
    last_seen = max((request.start for request in outage.traffic.requests), default=outage.fault_at)
    at, whole = next(reversed([*_turns(outage)]), (last_seen, False))
    return at if whole else last_seen


def _turns(outage: Outage) -> Iterator[tuple[float, bool]]:
    """Yield when the Service lost a ready endpoint after the fault, and when it had as many as before again.

    A replacement can be ready before the loss is seen, or in the same change: then both come at once.
    """
    ready: set[str] = set()
    short = False
    for change in outage.changes.endpoints:
        if change.service != outage.endpoint_service:
            continue
        lost = change.pod in ready and not change.ready
        ready = ready | {change.pod} if change.ready else ready - {change.pod}
        if change.at < outage.fault_at:
            continue
        if not short and (lost or len(ready) < len(outage.replicas)):
            short = True
            yield change.at, False
        if short and len(ready) >= len(outage.replicas):
            short = False
            yield change.at, True


def _first(what: str, times: Iterable[float], detail: str) -> Iterator[tuple[str, float, str]]:
    at = next(iter(times), None)
    if at is not None:
        yield what, at, detail
