"""From raw records to the timeline of one outage: what happened when, counted from the fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seatrial.observe.records import Moment, Outage, Request, Timeline

ORDER = ("fault", "first_error", "not_ready", "endpoint_removed", "last_answer", "last_error", "restarted", "full")
"""The moments that a timeline may have: the first error; the victim's Ready condition lost; its endpoint withdrawn;
the last request that it answered; the last error; its container started again; as many ready endpoints as before."""


def timeline_of(outage: Outage) -> Timeline:
    """Return the moments of an outage in order of time; a moment that did not come is left out."""
    moments = (Moment(at, what, detail) for what, at, detail in _moments(outage))
    return Timeline(outage.service, outage.fault_at, tuple(sorted(moments, key=lambda moment: moment.at)))


def _moments(outage: Outage) -> Iterator[tuple[str, float, str]]:
    victim, fault_at = outage.victim, outage.fault_at
    yield "fault", fault_at, f"{victim.name} {outage.kind}"
    after = [request for request in outage.traffic.requests if request.start >= fault_at]
    errors = [request for request in after if not request.ok]
    if errors:
        yield "first_error", errors[0].start, errors[0].error or f"HTTP {errors[0].status}"
        yield "last_error", errors[-1].start, errors[-1].error or f"HTTP {errors[-1].status}"
    answers = _of_this_life(outage, after)
    if answers:
        yield "last_answer", answers[-1].start, victim.name
    yield from _seen(outage)


def _of_this_life(outage: Outage, after: Iterable[Request]) -> list[Request]:
    """Return the victim's answers after the fault, without those that it gave after it had come back."""
    back = came_back(outage)
    return [
        request
        for request in after
        if request.served_by == outage.victim.name and (back is None or request.start < back)
    ]


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
    ready: set[str] = set()
    short = False
    for change in outage.changes.endpoints:
        if change.service != outage.endpoint_service:
            continue
        ready = ready | {change.pod} if change.ready else ready - {change.pod}
        if change.at < outage.fault_at:
            continue
        if short and len(ready) >= len(outage.replicas):
            yield change.at
        short = len(ready) < len(outage.replicas)


def full_at(outage: Outage) -> float:
    """Return when the Service was whole again for good; the end of the observation when it never was."""
    last = max(request.start for request in outage.traffic.requests)
    return max(full_again(outage), default=last)


def _first(what: str, times: Iterable[float], detail: str) -> Iterator[tuple[str, float, str]]:
    at = next(iter(times), None)
    if at is not None:
        yield what, at, detail
