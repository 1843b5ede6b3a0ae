"""A service that scales by itself: in time, in proportion, within its bounds, without a lost request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from typing import Any

import pytest

from seatrial.checks.autoscaling import (
    above,
    disproportionate,
    fitting,
    lost,
    not_for_memory,
    not_grown,
    not_shrunk,
    shrunk_too_soon,
    unbounded,
    unlimited,
    unloaded,
)
from seatrial.observe.autoscalers import Autoscaler, Condition
from seatrial.observe.records import Request, Traffic
from seatrial.observe.scale_watch import Count, Said, Scale
from seatrial.observe.scaling import Scaling

from .traffic import answer, error, told

BEGAN, EASED, ENDED = 1000.0, 1200.0, 1300.0
CPU = "cpu resource utilization (percentage of request)"
MORE = Condition("ScalingLimited", True, "TooManyReplicas", "the desired replica count is more than the maximum")
AUTH = Autoscaler("auth", "Deployment", "auth", 2, 10, {"cpu": 70}, 45, (MORE,))


def stepping(wanted: int, by: str = CPU) -> Autoscaler:
    """Return the autoscaler as it is just after a step."""
    able = Condition("AbleToScale", True, "SucceededRescale", f"it was able to update the target scale to {wanted}")
    active = Condition("ScalingActive", True, "ValidMetricFound", f"it could calculate a replica count from {by}")
    return replace(AUTH, conditions=(able, active))


def sent(*, rate: float = 10.0, until: float = EASED, bad: tuple[Request, ...] = ()) -> Traffic:
    requests = [answer("auth-a", at=BEGAN + number / rate) for number in range(int(rate * (until - BEGAN)))]
    return Traffic("node-a+node-b", "http://auth-direct:8079/whoami", True, (*requests, *bad))


def scaling(steps: Mapping[float, int] | None = None, *, late: float = 5.0, **changes: Any) -> Scaling:
    """Return what was seen of these steps, by seconds since the load began; replicas are ready a little ``late``.

    Without any it is a good one: 2 → 6 → 10 → 2.
    """
    taken = {60.0: 6, 90.0: 10, 260.0: 2} if steps is None else steps
    counts, ready = [Count(BEGAN - 5, 2, 2)], 2
    for seconds, wanted in taken.items():
        counts += [Count(BEGAN + seconds, wanted, ready), Count(BEGAN + seconds + late, wanted, wanted)]
        ready = wanted
    said = [Said(BEGAN + at + 0.1, stepping(wanted)) for at, wanted in taken.items() if wanted > 2]
    seen = Scale(tuple(counts), (*said, Said(BEGAN + 95, AUTH)))
    whole = Scaling("auth", AUTH, seen, BEGAN, EASED, ENDED, {"load": 10.0}, {"load": sent()})
    return replace(whole, **changes)


def test_a_service_that_grows_in_time_and_shrinks_again_after_its_window_is_good():
    good = scaling()
    findings = [*not_grown(good, 10, 210), *above(good, 10), *unlimited(good), *shrunk_too_soon(good)]
    assert [*findings, *not_shrunk(good, 180), *lost(good), *unloaded(good)] == []
    assert [(step.at - BEGAN, step.before, step.after, step.why) for step in good.steps] == [
        (60.0, 2, 6, CPU),
        (90.0, 6, 10, CPU),
        (260.0, 10, 2, ""),
    ]


def test_one_that_does_not_grow_far_enough_is_told_with_its_steps_and_its_autoscalers_words():
    assert told(not_grown(scaling({60.0: 4}), 10, 210)) == cleandoc(
        f"""
        auth: it does not grow to 10 replicas in time
          expected  10 ready replicas within 210 s of load
          observed  at most 4 were asked for
                    steps: 2 → 4 at +60 s ({CPU})
                    ScalingLimited True: TooManyReplicas: the desired replica count is more than the maximum
          window    10 requests a second for 200 s, watched for 300 s
          hint      its autoscaler knows too little, targets something else, or may have no more replicas
        """
    )


def test_one_that_grows_late_and_one_that_does_not_grow_at_all_are_told():
    assert "observed  after 250 s" in told(not_grown(scaling({60.0: 6, 245.0: 10}), 10, 210))
    nothing = told(not_grown(scaling({}), 10, 210))
    assert "observed  at most 2 were asked for" in nothing
    assert "steps: none" in nothing


def test_replicas_that_are_not_ready_do_not_count():
    assert "after 230 s" in told(not_grown(scaling(late=140.0), 10, 210))


def test_more_replicas_than_declared_are_a_failure_however_short():
    assert told(above(scaling({60.0: 11, 61.0: 10}), 10)) == cleandoc(
        f"""
        auth: it grows beyond what is declared
          expected  never more than 10 replicas
          observed  11
                    steps: 2 → 11 at +60 s ({CPU}), 11 → 10 at +61 s ({CPU})
          window    10 requests a second for 200 s, watched for 300 s
        """
    )


@pytest.mark.parametrize(
    "said",
    [(), (replace(MORE, holds=False),), (replace(MORE, reason="TooFewReplicas"),)],
    ids=["nothing", "not limited", "limited from below"],
)
def test_a_limit_that_was_not_tried_is_a_doubt(said: tuple[Condition, ...]):
    seen = replace(scaling().scale, said=(Said(BEGAN + 1, replace(AUTH, conditions=said)), Said(BEGAN - 1, AUTH)))
    assert told(unlimited(scaling(scale=seen))).startswith(
        "auth: the limit of its replicas\n  missing   an autoscaler that would have more than 10 replicas\n"
    )


def test_one_that_shrinks_before_its_window_is_over_is_told():
    found = told(shrunk_too_soon(scaling({60.0: 10, 229.0: 2})))
    assert "expected  not before 30 s after the load: 45 s after a decision under load, one every 15 s" in found
    assert "observed  from 10 to 2 29.0 s after it" in found


def test_the_window_counts_from_the_last_decision_under_load_and_not_from_its_end():
    # as seen: a decision 0.1 s before the end of the load, the next one wants less, a step 45.1 s after the first
    assert told(shrunk_too_soon(scaling({60.0: 10, 245.0 - 0.03: 8}))) == ""
    assert told(shrunk_too_soon(scaling({60.0: 10, 230.0: 8}))) == ""


def test_a_window_shorter_than_the_time_between_two_decisions_still_allows_no_step_under_load():
    hasty = replace(AUTH, window_seconds=0)
    assert "not before 0 s after the load" in told(shrunk_too_soon(scaling({60.0: 10, 199.0: 8}, autoscaler=hasty)))
    assert told(shrunk_too_soon(scaling({60.0: 10, 200.0: 8}, autoscaler=hasty))) == ""


def test_one_that_shrinks_under_load_is_told():
    assert "observed  from 10 to 7 50.0 s before its end" in told(shrunk_too_soon(scaling({60.0: 10, 150.0: 7})))


def test_one_that_does_not_shrink_or_does_so_late_is_told():
    never = told(not_shrunk(scaling({60.0: 10, 260.0: 5}), 180))
    assert "expected  2 replicas within 180 s after the load" in never
    assert "observed  5 at the end" in never
    assert "observed  after 60 s" in told(not_shrunk(scaling(), 50))


@pytest.mark.parametrize(
    ("worth", "fits"),
    [
        (9.5, [9, 10, 11]),
        (9.9, [9, 10, 11]),
        (20.0, [18, 19, 20, 21, 22, 23]),
        (4.7, [5]),
        (4.2, [4, 5]),
        (3.96, [4, 5]),
        (2.0, [2, 3]),
        (1.5, [2]),
        (0.0, []),
    ],
)
def test_an_autoscaler_rests_within_its_tolerance_and_at_what_it_rounds_up_to(worth: float, fits: list[int]):
    assert list(fitting(worth)) == fits


def settling(number: int, worth: float, *, at: float = 60.0) -> Scaling:
    twelve = replace(AUTH, max_replicas=12)
    return scaling({at: number}, autoscaler=twelve, worth=worth, ended_at=EASED)


def test_replicas_in_proportion_to_their_load_are_good():
    assert told(disproportionate(settling(10, 9.7), 90)) == told(unbounded(settling(10, 9.7))) == ""


def test_replicas_out_of_proportion_are_told():
    assert told(disproportionate(settling(12, 9.7), 90)) == cleandoc(
        f"""
        auth: its replicas are not in proportion to its load
          expected  9 or 10 or 11 replicas for 90 s
          observed  12 replicas for 140 s
                    load for 9.7 replicas; autoscalers let 10% pass, and measurements differ by 5%
                    steps: 2 → 12 at +60 s ({CPU})
          window    10 requests a second for 200 s, watched for 200 s
        """
    )


def test_replicas_that_do_not_come_to_rest_are_told():
    assert "observed  10 replicas for 50 s" in told(disproportionate(settling(10, 9.7, at=150.0), 90))


def test_what_it_does_as_soon_as_the_load_is_over_does_not_count():
    late = settling(10, 9.7)
    more = Count(EASED + 0.5, 11, 10)
    late = replace(late, scale=replace(late.scale, counts=(*late.scale.counts, more)))
    assert told(disproportionate(late, 90)) == ""


@pytest.mark.parametrize("worth", [12.5, 2.1, 1.5, 0.0], ids=["the limit", "the least", "less", "none"])
def test_a_load_at_which_it_stops_in_any_case_is_a_doubt(worth: float):
    assert f"by what its replicas use it was for {worth:.1f}" in told(unbounded(settling(10, worth)))


def hungry(why: str, most: int = 4) -> Scaling:
    steps = {30.0: 3, 45.0: most}
    grown = scaling(steps, autoscaler=replace(AUTH, max_replicas=4), loads={})
    said = tuple(Said(BEGAN + at, stepping(wanted, CPU.replace("cpu", why))) for at, wanted in steps.items())
    return replace(grown, scale=replace(grown.scale, said=said))


def test_one_that_grows_for_its_memory_is_good():
    assert told(not_for_memory(hungry("memory"), 210)) == ""


def test_one_that_grows_for_something_else_or_not_far_enough_is_told():
    other = told(not_for_memory(hungry("cpu"), 210))
    assert "expected  4 replicas within 210 s, each step for memory" in other
    assert f"steps: 2 → 3 at +30 s ({CPU}), 3 → 4 at +45 s ({CPU})" in other
    assert "window    no load for 200 s" in other
    assert "observed  3 replicas" in told(not_for_memory(hungry("memory", most=3), 210))
    assert "observed  2 replicas" in told(not_for_memory(scaling({}, loads={}), 210))


def test_requests_that_are_lost_meanwhile_are_told_with_the_steps():
    bad = (error("refused", at=BEGAN + 62), error("503", at=BEGAN + 63))
    assert told(lost(scaling(traffic={"load": sent(), "kept": sent(bad=bad)}), "kept.csv.gz")) == cleandoc(
        f"""
        auth: requests fail while it scales (kept)
          expected  no failed request
          observed  2 of 2,002 failed: 1 × refused, 1 × HTTP 503
                    first: refused +62.0 s (no replica known), HTTP 503 +63.0 s (no replica known)
                    steps: 2 → 6 at +60 s ({CPU}), 6 → 10 at +90 s ({CPU}), 10 → 2 at +260 s
          window    10 requests a second for 200 s, watched for 300 s; from node-a+node-b, nobody tries again
          hint      replicas get requests before they are ready, or end before they are forgotten
          evidence  kept.csv.gz
        """
    )


def test_no_request_at_all_is_a_failure():
    assert "observed  none was made" in told(lost(scaling(traffic={"fresh": Traffic("a", "", True, ())})))


def test_a_load_that_was_not_sent_is_a_doubt():
    assert told(unloaded(scaling(traffic={"load": sent(rate=9.0)}))) == cleandoc(
        """
        auth: load
          missing   10 requests a second
                    9 a second were sent
          remedy    give the machine to the trial alone
        """
    )
    more = scaling(loads={"load": 10.0, "more load": 6.0}, traffic={"load": sent(), "more load": sent(rate=5.0)})
    assert told(unloaded(more)).splitlines()[:2] == ["auth: more load", "  missing   6 requests a second"]
    assert told(unloaded(scaling(loads={}, traffic={}))) == ""
