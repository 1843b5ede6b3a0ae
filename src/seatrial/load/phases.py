"""Whose errors are they? The requests of a load by the phases of what happened meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from seatrial.checks.timeline import timeline_of
from seatrial.load.activities import Activity
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.observe.records import Outage, Timeline

ENDS = ("not_ready", "endpoint_removed", "last_error", "restarted", "full")
"""The moments of a failover timeline that end a phase of the load."""
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of time that has a name; Unix seconds."""

    name: str
    start: float
    end: float
    is_fault: bool = True
    """False for the time before anything happened, and after all of it."""


@dataclass(frozen=True, slots=True)
class PhaseLoad:
    """What became of the requests of one phase."""

    phase: str
    seconds: float
    requests: int
    failed: int
    p50_ms: float
    """Of the successful ones, from the raw records; not a number when there is none."""
    p99_ms: float
    errors: Mapping[str, int]
    """Step and kind of error to how often, the most frequent first."""

    def as_row(self) -> dict[str, object]:
        """Return it as one row of a table."""
        told = "; ".join(f"{hits} × {error}" for error, hits in self.errors.items())
        return {**asdict(self), "errors": told}


def phases_of_outages(outages: Iterable[Outage], record: LoadRecord) -> tuple[Phase, ...]:
    """Return the phases of a failover: before, until each moment came, and after."""
    return phases_of_timelines([timeline_of(outage) for outage in outages], record)


def phases_of_timelines(timelines: Sequence[Timeline], record: LoadRecord) -> tuple[Phase, ...]:
    """Return the same from timelines; of several services that suffer at once, a phase lasts until the last is there.

    A customer's request may need more than one of them, so that the timeline of a single one would not explain it.
    """
    fault_at = min((each.fault_at for each in timelines), default=0.0)
    came = [(moment.what, moment.at) for each in timelines for moment in each.moments if moment.what in ENDS]
    latest = {what: max(at for name, at in came if name == what) for what, _ in came}
    cuts = sorted((at, f"until {what.replace('_', ' ')}") for what, at in latest.items())
    return _between([fault_at, *(at for at, _ in cuts)], [name for _, name in cuts], record) if timelines else ()


def phases_of_activities(activities: Sequence[Activity], record: LoadRecord) -> tuple[Phase, ...]:
    """Return the phases of an experiment: each action and what follows it until the next one; probes change nothing."""
    actions = sorted((each for each in activities if each.type == "action"), key=lambda each: each.start)
    if not actions:
        return ()
    cuts = [*(each.start for each in actions), max(each.end for each in actions)]
    return _between(cuts, [each.activity for each in actions], record)


def _between(cuts: Sequence[float], names: Sequence[str], record: LoadRecord) -> tuple[Phase, ...]:
    """Return the phases that the cuts make of a record, without those that last no time."""
    if not record.requests:
        return ()
    first, last = record.requests[0].start, max(request.end for request in record.requests)
    middle = (Phase(name, start, end) for name, (start, end) in zip(names, pairwise(cuts), strict=True))
    ends = Phase(BEFORE, min(first, cuts[0]), cuts[0], False), Phase(AFTER, cuts[-1], max(last, cuts[-1]), False)
    return tuple(each for each in (ends[0], *middle, ends[1]) if each.end > each.start)


def attribute(record: LoadRecord, phases: Sequence[Phase]) -> tuple[PhaseLoad, ...]:
    """Return what became of the requests of each phase; every request counts once, for the phase in which it began.

    One that began before a fault, and failed because it was still under way then, counts for the fault's first phase.
    """
    rows: list[list[LoadRequest]] = [[] for _ in phases]
    for request in record.requests if phases else ():
        rows[phase_of(request, phases)].append(request)
    return tuple(_phase_load(phase, LoadRecord(tuple(row))) for phase, row in zip(phases, rows, strict=True))


def phase_of(request: LoadRequest, phases: Sequence[Phase]) -> int:
    """Return the number of a request's phase; what lies outside of all counts for the nearest."""
    own = next((number for number, phase in enumerate(phases) if request.start < phase.end), len(phases) - 1)
    if not request.error or phases[own].is_fault:
        return own
    later = enumerate(phases[own + 1 :], own + 1)
    return next((number for number, phase in later if phase.is_fault and phase.start <= request.end), own)


def _phase_load(phase: Phase, record: LoadRecord) -> PhaseLoad:
    p50, p99 = record.quantiles(0.5, 0.99)
    errors = dict(record.errors().most_common())
    seconds = phase.end - phase.start
    return PhaseLoad(phase.name, seconds, len(record.requests), len(record.failed), 1000 * p50, 1000 * p99, errors)
