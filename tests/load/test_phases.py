"""Whose errors are they? Every request of a load counts once, for the phase that explains it."""

from __future__ import annotations

import math

import pytest

from seatrial.load.activities import Activity
from seatrial.load.phases import Phase, PhaseLoad, attribute, phases_of_activities, phases_of_timelines
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.observe.records import Moment, Timeline


def request(start: float, error: str = "", seconds: float = 0.1, step: str = "look") -> LoadRequest:
    return LoadRequest(start, seconds, step, 0 if error else 200, error, "")


def record(*requests: LoadRequest) -> LoadRecord:
    return LoadRecord(requests)


def timeline(fault_at: float, **moments: float) -> Timeline:
    return Timeline("leads", fault_at, tuple(Moment(at, what) for what, at in moments.items()))


WHOLE = record(request(90.0), request(130.0))


def told(phases: tuple[Phase, ...]) -> list[tuple[str, float, float]]:
    return [(each.name, each.start, each.end) for each in phases]


def test_a_failover_has_a_phase_until_each_of_its_moments() -> None:
    seen = timeline(100.0, fault=100.0, first_error=100.1, not_ready=102.0, last_error=103.0, full=110.0)
    assert told(phases_of_timelines([seen], WHOLE)) == [
        ("before", 90.0, 100.0),
        ("until not ready", 100.0, 102.0),
        ("until last error", 102.0, 103.0),
        ("until full", 103.0, 110.0),
        ("after", 110.0, 130.1),
    ]


def test_of_several_services_the_first_fault_and_the_last_moment_count() -> None:
    first, second = timeline(100.0, not_ready=102.0, full=110.0), timeline(99.0, not_ready=104.0, full=108.0)
    assert told(phases_of_timelines([first, second], WHOLE))[1:3] == [
        ("until not ready", 99.0, 104.0),
        ("until full", 104.0, 110.0),
    ]


def test_only_the_time_before_and_after_is_none_of_the_fault() -> None:
    phases = phases_of_timelines([timeline(100.0, full=110.0)], WHOLE)
    assert [(each.name, each.is_fault) for each in phases] == [
        ("before", False),
        ("until full", True),
        ("after", False),
    ]


def test_a_fault_that_nothing_followed_leaves_before_and_after() -> None:
    assert told(phases_of_timelines([timeline(100.0)], WHOLE)) == [("before", 90.0, 100.0), ("after", 100.0, 130.1)]


@pytest.mark.parametrize("timelines", [[], [timeline(100.0, full=110.0)]])
def test_without_requests_or_faults_there_are_no_phases(timelines: list[Timeline]) -> None:
    assert phases_of_timelines(timelines, record() if timelines else WHOLE) == ()


def test_an_experiment_has_a_phase_from_each_action_to_the_next_whatever_probes_do() -> None:
    activities = [
        Activity("heal-system", "action", 115.0, 118.0),
        Activity("guard-cluster", "action", 99.0, 99.5),
        Activity("effect-restarted", "probe", 101.0, 104.0),
        Activity("crash-replicas", "action", 100.0, 100.4),
    ]
    assert told(phases_of_activities(activities, WHOLE)) == [
        ("before", 90.0, 99.0),
        ("guard-cluster", 99.0, 100.0),
        ("crash-replicas", 100.0, 115.0),
        ("heal-system", 115.0, 118.0),
        ("after", 118.0, 130.1),
    ]
    assert phases_of_activities(activities[2:3], WHOLE) == ()


PHASES = (Phase("before", 90, 100, False), Phase("until full", 100, 110), Phase("after", 110, 120, False))


def counts(*requests: LoadRequest) -> dict[str, tuple[int, int]]:
    return {each.phase: (each.requests, each.failed) for each in attribute(record(*requests), PHASES)}


def test_a_request_counts_for_the_phase_in_which_it_began() -> None:
    found = counts(request(99.95), request(100.0), request(109.9, "HTTP 503"), request(110.0))
    assert found == {"before": (1, 0), "until full": (2, 1), "after": (1, 0)}


def test_what_was_under_way_at_the_fault_and_failed_is_the_faults() -> None:
    lost, served, early = request(99.9, "reset", 0.2), request(99.9, "", 0.2), request(99.0, "HTTP 500", 0.2)
    assert counts(lost) == {"before": (0, 0), "until full": (1, 1), "after": (0, 0)}
    assert counts(served, early) == {"before": (2, 1), "until full": (0, 0), "after": (0, 0)}


def test_every_request_counts_once_also_outside_of_all_phases() -> None:
    assert counts(request(80.0), request(125.0)) == {"before": (1, 0), "until full": (0, 0), "after": (1, 0)}


def test_a_row_tells_latency_of_what_succeeded_and_errors_the_most_frequent_first() -> None:
    failed = [request(101.0, "HTTP 503"), request(102.0, "reset"), request(103.0, "reset")]
    before, during, _ = attribute(record(request(91.0, seconds=0.02), *failed), PHASES)
    assert before == PhaseLoad("before", 10.0, 1, 0, 20.0, 20.0, {})
    assert (during.requests, during.failed, math.isnan(during.p99_ms)) == (3, 3, True)
    assert list(during.errors.items()) == [("look: reset", 2), ("look: HTTP 503", 1)]
    assert during.as_row()["errors"] == "2 × look: reset; 1 × look: HTTP 503"


def test_without_phases_nothing_is_attributed() -> None:
    assert attribute(WHOLE, ()) == ()
