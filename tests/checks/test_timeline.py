"""The timeline of an outage: which moments, when, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.checks.timeline import ORDER, came_back, fault_of, full_again, full_at, timeline_of
from seatrial.observe.records import Outage, PodChange, Timeline

from .outages import FAULT_AT, NOTHING, came, flow, outage, turned, went, withdrawn


def moments(seen: Outage) -> list[tuple[str, float, str]]:
    timeline = timeline_of(seen)
    return [(each.what, round(each.at - FAULT_AT, 3), each.detail) for each in timeline.moments]


def fulls(*endpoints) -> list[float]:
    return [at - FAULT_AT for at in full_again(outage(endpoints=endpoints))]


HANG = outage(
    kind="hangs",
    traffic=flow(victim_back=14.0, lost={0.0: "timeout", 3.0: "timeout", 4.5: "503"}),
    endpoints=(went(5.2), came(12.0)),
    seen_pods=(turned(5.0, ready=False), turned(9.0, ready=False, restarts=1), turned(11.9, ready=True, restarts=1)),
)


def test_the_moments_of_a_hang_are_told_in_order_of_time():
    assert moments(HANG) == [
        ("fault", 0.0, "leads-a hangs"),
        ("first_error", 0.0, "timeout"),
        ("last_error", 4.5, "HTTP 503"),
        ("not_ready", 5.0, "leads-a"),
        ("endpoint_removed", 5.2, "leads-a"),
        ("restarted", 9.0, "leads-a"),
        ("full", 12.0, "3 endpoints"),
    ]


def test_the_last_answer_is_one_of_the_life_before_the_victim_came_back():
    assert timeline_of(withdrawn()).seconds("last_answer") == 1.5


def test_the_last_answer_of_a_victim_that_was_never_withdrawn_is_its_last():
    assert timeline_of(outage(traffic=flow(victim_until=9.0))).seconds("last_answer") == 9.0


def test_every_moment_has_a_stable_name_and_the_fault_is_first():
    seen = replace(HANG, traffic=flow(victim_until=2.0, lost={0.5: "reset"}))
    names = [what for what, _, _ in moments(seen)]
    assert names[0] == "fault"
    assert sorted(names) == sorted(ORDER)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("hangs", "hangs"), ("is not ready", "is not ready"), ("undergoes pod-kill", "pod-kill")],
)
def test_a_timeline_says_which_fault_it_follows(kind: str, fault: str):
    assert fault_of(timeline_of(replace(HANG, kind=kind))) == fault


def test_a_timeline_without_its_fault_says_none():
    assert fault_of(Timeline("leads", FAULT_AT, ())) == ""


@pytest.mark.parametrize("seen", [HANG, withdrawn(), outage(), NOTHING], ids=["hang", "not ready", "bare", "nothing"])
def test_no_moment_lies_before_the_fault_or_before_the_one_told_ahead_of_it(seen):
    times = [at for _, at, _ in moments(seen)]
    assert times == sorted(times)
    assert times[0] == 0.0


def test_of_an_outage_of_which_nothing_was_seen_only_the_fault_is_told():
    assert moments(NOTHING) == [("fault", 0.0, "leads-a is not ready")]


def test_what_happened_before_the_fault_is_no_moment():
    earlier = outage(
        traffic=flow(lost={-1.0: "refused"}), endpoints=(went(-2), came(-1)), seen_pods=(turned(-2, ready=False),)
    )
    assert [what for what, _, _ in moments(earlier)] == ["fault"]


def test_what_is_seen_at_the_instant_of_the_fault_follows_from_it():
    at_once = outage(endpoints=(went(0), came(1)), seen_pods=(turned(0, ready=False, restarts=1),))
    assert [what for what, _, _ in moments(at_once)] == [
        "fault",
        "not_ready",
        "restarted",
        "endpoint_removed",
        "full",
    ]
    assert came_back(at_once) == FAULT_AT + 1


def test_other_pods_and_other_services_are_no_moment():
    other = PodChange(FAULT_AT + 1, "leads-a", "uid-of-another-life", False, 7, True)
    seen = outage(endpoints=(went(1, service="leads-all"), came(2, service="leads-all")), seen_pods=(other,))
    assert [what for what, _, _ in moments(seen)] == ["fault"]


def test_a_moment_that_did_not_come_has_no_seconds():
    assert timeline_of(NOTHING).seconds("restarted") is None


@pytest.mark.parametrize(
    ("endpoints", "seconds"),
    [
        ((), None),
        ((went(1),), None),
        ((went(1), came(4), came(6)), 4),
        ((came(1),), None),
        ((went(1, of="leads-b"), came(4, of="leads-b")), None),
        ((went(-2), came(-1)), None),
    ],
    ids=["no change", "stays away", "comes back", "never went", "another pod", "before the fault"],
)
def test_the_victim_came_back_when_its_endpoint_is_ready_after_it_was_withdrawn(endpoints, seconds):
    at = came_back(outage(endpoints=endpoints))
    assert (at and at - FAULT_AT) == seconds


@pytest.mark.parametrize(
    ("endpoints", "times"),
    [
        ((), []),
        ((went(1),), []),
        ((went(1), came(5, of="leads-d")), [5]),
        ((went(1), went(2), came(5)), [5]),
        ((went(1), came(5), came(6)), [5]),
        ((went(1), went(2, of="leads-b"), came(5), came(7, of="leads-b")), [7]),
        ((went(1), came(5), went(8), came(9)), [5, 9]),
        ((went(1), came(5, service="leads-all")), []),
        ((went(-2), came(-1)), []),
        ((went(-1), came(2)), []),
    ],
    ids=[
        "no change",
        "never again",
        "by another pod",
        "gone after not ready",
        "told twice",
        "two were lost",
        "lost twice",
        "another Service",
        "before the fault",
        "lost before the fault",
    ],
)
def test_a_service_is_full_again_when_it_has_as_many_ready_endpoints_as_before(endpoints, times):
    assert fulls(*endpoints) == times


@pytest.mark.parametrize("loss_at", [5, 6], ids=["in the same change", "later"])
def test_a_replacement_that_is_ready_before_the_loss_is_seen_makes_it_full_at_that_loss(loss_at):
    assert fulls(came(5, of="leads-d"), went(loss_at)) == [loss_at]


def test_a_service_is_whole_for_good_at_its_last_return():
    assert full_at(outage(endpoints=(went(1), came(5), went(8), came(9)))) - FAULT_AT == 9


@pytest.mark.parametrize(
    "endpoints",
    [(), (went(1),), (went(1), came(5), went(8))],
    ids=["was not seen to be lost", "stays short", "is short again"],
)
def test_a_service_that_is_not_whole_in_the_end_is_awaited_until_the_end_of_the_observation(endpoints):
    assert full_at(outage(endpoints=endpoints)) - FAULT_AT == 20


def test_without_any_request_the_observation_ends_at_the_fault():
    assert full_at(NOTHING) == FAULT_AT
