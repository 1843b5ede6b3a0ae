"""Failover: what is told of an outage, and when nothing may be told."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc
from math import inf

import pytest

from seatrial.checks.failover import (
    failed_requests,
    not_replaced,
    not_restarted,
    restarted,
    still_called,
    too_many_errors,
    unproven,
    upper_bound,
)
from seatrial.checks.spread import plan, uneven
from seatrial.observe.records import Outage

from .outages import FAULT_AT, NOTHING, VICTIM, came, flow, outage, turned, went, withdrawn
from .traffic import URL, answer, error, pod, pods, told, traffic


def test_a_proven_fault_to_a_victim_that_had_traffic_can_be_judged():
    assert told(unproven(withdrawn())) == ""


def test_a_fault_without_proof_is_in_doubt():
    assert told(unproven(outage(proof=""))) == cleandoc(
        """
        leads: leads-a is not ready
          missing   proof that the fault happened
          remedy    see the events and the victim's log in the evidence
        """
    )


def test_a_victim_without_traffic_before_the_fault_is_in_doubt():
    assert told(unproven(outage(traffic=flow(victim_until=-inf)))) == cleandoc(
        """
        leads: leads-a is not ready
          missing   an answer of the victim among 6 requests before the fault
          remedy    the victim got no traffic even when it was healthy: see AC02
        """
    )


def test_a_flow_of_requests_that_ends_at_the_fault_leaves_doubt():
    assert told(unproven(outage(traffic=flow(until=-0.5)))) == cleandoc(
        """
        leads: leads-a is not ready
          missing   requests after the fault
          remedy    see why the flow of requests ended
        """
    )


def test_every_doubt_about_an_outage_is_told():
    doubts = [doubt.missing for doubt in unproven(replace(NOTHING, proof=""))]
    assert doubts == [
        "proof that the fault happened",
        "an answer of the victim among 0 requests before the fault",
        "requests after the fault",
    ]


def test_a_victim_that_is_withdrawn_in_time_is_good():
    assert told(still_called(withdrawn(), 5.0)) == ""


def test_requests_to_a_victim_that_came_back_are_good():
    assert told(still_called(withdrawn(flow(victim_until=4.5, victim_back=12.0)), 5.0)) == ""


def test_a_victim_that_is_withdrawn_late_is_told_with_its_timeline():
    flowed = flow(victim_until=8.0, victim_back=12.0)
    seen = outage(traffic=flowed, endpoints=(went(1.5), came(12.0)), seen_pods=(turned(1.2, ready=False),))
    assert told(still_called(seen, 5.0, "requests.csv")) == cleandoc(
        """
        leads: replica leads-a (on node-a) is not ready and still gets requests
          expected  no request to it later than 5 s after the fault
          observed  2 requests, the last 7.5 s after it
                    timeline: not_ready +1.2 s, endpoint_removed +1.5 s, last_answer +7.5 s, full +12.0 s
          window    41 requests in 20.0 s after the fault, fresh connections from node-x
          hint      its endpoint was withdrawn, but a node's proxy went on using it
          evidence  requests.csv
        """
    )


def test_requests_that_only_one_replica_could_answer_are_told_as_such():
    alone = replace(outage(traffic=flow(lost={9.5: "refused"})), replicas=pods("a"))
    (failure,) = still_called(alone, 5.0)
    assert failure.hint == "it is the only replica: nobody else can answer"


def test_requests_that_are_lost_after_the_bound_are_taken_for_requests_to_the_victim():
    (failure,) = still_called(outage(traffic=flow(lost={4.5: "timeout", 9.5: "timeout"})), 5.0)
    assert failure.observed == "1 requests, the last 9.5 s after it"


@pytest.mark.parametrize(
    ("seen_pods", "endpoints", "hint"),
    [
        ((), (), "its readiness never failed: no readiness probe, one that asks too little, or one that is too slow"),
        (
            (turned(1.2, ready=False),),
            (),
            "it was not ready and yet its endpoint stayed: publishNotReadyAddresses, or no endpoint controller",
        ),
        (
            (turned(1.2, ready=False),),
            (went(1.5),),
            "its endpoint was withdrawn, but a node's proxy went on using it",
        ),
    ],
    ids=["readiness", "endpoint", "proxy"],
)
def test_the_hint_names_the_first_layer_that_let_requests_through(seen_pods, endpoints, hint):
    seen = outage(traffic=flow(victim_until=inf), seen_pods=seen_pods, endpoints=endpoints)
    assert [failure.hint for failure in still_called(seen, 5.0)] == [hint]


def test_a_victim_that_is_called_is_not_excused_by_another_replica_that_joins():
    seen = outage(traffic=flow(victim_until=inf), endpoints=(went(1.5), came(2.0, of="leads-d")))
    assert [failure.observed for failure in still_called(seen, 5.0)] == ["10 requests, the last 19.5 s after it"]


@pytest.mark.parametrize(("within", "late"), [(4.5, 0), (4.4, 1)])
def test_a_request_at_the_bound_itself_is_in_time(within, late):
    assert len([*still_called(outage(traffic=flow(victim_until=4.5)), within)]) == late


def test_an_observation_that_ends_within_the_bound_does_not_show_that_a_victim_is_avoided():
    assert told(still_called(outage(traffic=flow(until=3.0)), 5.0)) == cleandoc(
        """
        leads: replica leads-a (on node-a) is not ready and is not observed long enough
          expected  requests later than 5 s after the fault
          observed  7 requests in 3.0 s after the fault, fresh connections from node-x
                    timeline: nothing followed
        """
    )


def test_a_victim_that_came_back_within_the_bound_need_not_be_observed_past_it():
    assert told(still_called(outage(traffic=flow(until=4.0), endpoints=(went(1), came(3))), 5.0)) == ""


def test_an_outage_without_a_failed_request_is_good():
    assert told(failed_requests(withdrawn(flow(lost={-1.0: "refused"})))) == ""


def test_lost_requests_are_told_with_their_errors():
    lost = {1.0: "refused", 1.5: "503", 2.0: "refused"}
    seen = outage(kind="is deleted", traffic=flow(lost=lost), endpoints=(went(1.2),))
    assert told(failed_requests(seen, "requests.csv")) == cleandoc(
        """
        leads: replica leads-a (on node-a) is deleted and requests fail
          expected  no failed request
          observed  3 of 41 failed: 2 × refused, 1 × HTTP 503
                    timeline: first_error +1.0 s, endpoint_removed +1.2 s, last_error +2.0 s
          window    41 requests in 20.0 s after the fault, fresh connections from node-x
          hint      the replica stops to accept before every node has forgotten its endpoint (preStop, drain)
          evidence  requests.csv
        """
    )


def test_a_request_that_was_under_way_at_the_fault_is_lost_by_it():
    begun_before = replace(error("reset", at=FAULT_AT - 0.2), end=FAULT_AT + 0.1)
    seen = outage(traffic=replace(flow(), requests=(answer(VICTIM, at=FAULT_AT - 1), begun_before)))
    (failure,) = failed_requests(seen)
    assert failure.observed == "1 of 1 failed: 1 × reset"
    assert failure.details == ("timeline: first_error +0.0 s, last_error +0.0 s",)
    assert failure.window.startswith("1 requests in 0.0 s after the fault")


def judged_crash(seen: Outage, success: float = 0.95) -> str:
    return told(too_many_errors(seen, success, window_seconds=10.0, within_seconds=5.0))


def crash(*, until: float = 20.0, **lost: str) -> Outage:
    return outage(kind="crashes", traffic=flow(until=until, lost={float(at[1:]): kind for at, kind in lost.items()}))


def test_a_crash_with_few_errors_that_end_is_good():
    assert judged_crash(crash(s0="refused")) == ""


def test_a_crash_with_too_many_errors_in_the_window_is_told():
    assert judged_crash(crash(s0="refused", s1="refused", s2="reset")) == cleandoc(
        """
        leads: replica leads-a (on node-a) crashes and too many requests fail
          expected  at least 95 % succeed in the 10 s after it
          observed  17 of 20 (85.0 %): 2 × refused, 1 × reset
                    timeline: first_error +0.0 s, last_error +2.0 s
          window    41 requests in 20.0 s after the fault, fresh connections from node-x
        """
    )


def test_errors_that_do_not_end_are_told_together_with_their_number():
    assert judged_crash(crash(s0="refused", s6="refused", s9="timeout")) == cleandoc(
        """
        leads: replica leads-a (on node-a) crashes and too many requests fail
          expected  at least 95 % succeed in the 10 s after it
          observed  17 of 20 (85.0 %): 2 × refused, 1 × timeout
                    timeline: first_error +0.0 s, last_error +9.0 s
          window    41 requests in 20.0 s after the fault, fresh connections from node-x
        leads: replica leads-a (on node-a) crashes and errors do not end
          expected  last error within 5 s
          observed  2 later, the last 9.0 s after the fault: 1 × refused, 1 × timeout
                    timeline: first_error +0.0 s, last_error +9.0 s
          window    41 requests in 20.0 s after the fault, fresh connections from node-x
        """
    )


def test_an_error_after_the_window_does_not_lower_the_success_but_is_late():
    (failure,) = too_many_errors(crash(s15="refused"), 1.0, window_seconds=10.0, within_seconds=5.0)
    assert failure.subject == "leads: replica leads-a (on node-a) crashes and errors do not end"
    assert failure.observed == "1 later, the last 15.0 s after the fault: 1 × refused"


@pytest.mark.parametrize(("within", "late"), [(5.0, 0), (4.9, 1)])
def test_an_error_at_the_bound_itself_is_in_time(within, late):
    assert len([*too_many_errors(crash(s5="refused"), 0.5, window_seconds=10.0, within_seconds=within)]) == late


@pytest.mark.parametrize("percent", range(1, 101))
def test_exactly_the_demanded_success_is_enough(percent):
    requests = [answer("leads-b", at=FAULT_AT)] * percent + [error("refused", at=FAULT_AT)] * (100 - percent)
    seen = outage(traffic=replace(flow(), requests=tuple(requests)))
    assert judged_crash(seen, success=percent / 100) == ""
    assert judged_crash(seen, success=(percent + 0.1) / 100) != ""


def test_a_success_that_is_short_by_less_than_is_printed_is_told_by_its_counts():
    requests = [answer("leads-b", at=FAULT_AT)] * 9499 + [error("refused", at=FAULT_AT)] * 501
    (failure,) = too_many_errors(outage(traffic=replace(flow(), requests=tuple(requests))), 0.95, 10.0, 5.0)
    assert failure.observed == "9499 of 10000 (95.0 %): 501 × refused"


@pytest.mark.parametrize("bound", [0.9995, 0.999, 0.95])
def test_the_demanded_success_is_told_as_it_was_declared(bound):
    (failure,) = too_many_errors(crash(s0="refused", s1="refused"), bound, 10.0, 5.0)
    assert failure.expected == f"at least {bound * 100:.6g} % succeed in the 10 s after it"


def test_without_a_request_after_the_fault_nothing_succeeded():
    assert judged_crash(NOTHING) == cleandoc(
        """
        leads: replica leads-a (on node-a) is not ready and is not observed long enough
          expected  requests in the 10 s after the fault
          observed  0 requests in 0.0 s after the fault, fresh connections from node-x
                    timeline: nothing followed
        """
    )


@pytest.mark.parametrize(
    "judge",
    [
        lambda seen: still_called(seen, 5.0),
        failed_requests,
        lambda seen: too_many_errors(seen, 0.0, 10.0, 5.0),
        lambda seen: restarted(seen, None),
        lambda seen: not_restarted(seen, None, 45.0),
        lambda seen: not_replaced(seen, 45.0),
    ],
    ids=["still_called", "failed_requests", "too_many_errors", "restarted", "not_restarted", "not_replaced"],
)
def test_an_outage_of_which_nothing_was_seen_never_passes(judge):
    (failure,) = judge(NOTHING)
    assert failure.details == ("timeline: nothing followed",)


def test_a_victim_that_lives_on_is_not_restarted():
    assert told(restarted(withdrawn(), pod("a"))) == ""


@pytest.mark.parametrize(
    ("now", "observed"),
    [
        (replace(pod("a"), restarts=1), "the same pod, 1 restarts"),
        (replace(pod("a"), uid="another"), "the pod is gone"),
        (None, "the pod is gone"),
    ],
)
def test_a_victim_that_only_asked_for_rest_and_is_restarted_is_told(now, observed):
    (failure,) = restarted(withdrawn(), now)
    assert failure.observed == observed


def test_a_restart_is_told_with_its_timeline():
    seen = outage(seen_pods=(turned(1.2, ready=False), turned(7.0, ready=False, restarts=1)))
    assert told(restarted(seen, replace(pod("a"), restarts=1), "timelines.json")) == cleandoc(
        """
        leads: replica leads-a (on node-a) is not ready and is restarted although it only asked for rest
          expected  the same pod, 0 restarts
          observed  the same pod, 1 restarts
                    timeline: not_ready +1.2 s, restarted +7.0 s
          hint      liveness asks what readiness should ask: the two probes mean different things
          evidence  timelines.json
        """
    )


def hang(*seen_pods) -> Outage:
    return outage(kind="hangs", seen_pods=seen_pods)


@pytest.mark.parametrize(("within", "late"), [(9.0, 0), (8.9, 1)])
def test_a_hung_victim_that_is_restarted_in_time_is_good(within, late):
    seen = hang(turned(9.0, ready=False, restarts=1))
    assert len([*not_restarted(seen, replace(pod("a"), restarts=1), within)]) == late


def test_a_hung_victim_that_is_restarted_late_is_told():
    seen = hang(turned(5.0, ready=False), turned(61.0, ready=False, restarts=1))
    assert told(not_restarted(seen, replace(pod("a"), restarts=1), 45.0)) == cleandoc(
        """
        leads: replica leads-a (on node-a) hangs and is not restarted in time
          expected  its container is started again within 45 s
          observed  started again after 61.0 s
                    timeline: not_ready +5.0 s, restarted +61.0 s
          hint      liveness is slow, or restarts after crashes are backed off
        """
    )


def test_a_hung_victim_that_is_never_restarted_is_told():
    assert told(not_restarted(hang(turned(5.0, ready=False)), pod("a"), 45.0)) == cleandoc(
        """
        leads: replica leads-a (on node-a) hangs and is not restarted in time
          expected  its container is started again within 45 s
          observed  the same pod, 0 restarts
                    timeline: not_ready +5.0 s
          hint      no liveness probe sees the hang, or restarts after crashes are backed off
        """
    )


@pytest.mark.parametrize("now", [None, replace(pod("a"), uid="another", restarts=4)])
def test_a_hung_victim_that_is_replaced_instead_is_told(now):
    (failure,) = not_restarted(hang(), now, 45.0)
    assert failure.observed == "the pod is gone"


def deleted(*endpoints) -> Outage:
    return outage(kind="is deleted", endpoints=endpoints)


@pytest.mark.parametrize("came_at", [4.0, 5.0])
def test_a_victim_that_is_replaced_in_time_is_good(came_at):
    assert told(not_replaced(deleted(went(0.2), came(came_at, of="leads-d")), 5.0)) == ""


def test_a_replacement_that_was_ready_before_its_victim_was_gone_is_in_time():
    assert told(not_replaced(deleted(came(3.0, of="leads-d"), went(3.0)), 5.0)) == ""


def test_a_victim_that_is_replaced_late_is_told():
    assert told(not_replaced(deleted(went(0.2), came(7.0, of="leads-d")), 5.0)) == cleandoc(
        """
        leads: replica leads-a (on node-a) is deleted and is not replaced in time
          expected  3 ready endpoints within 5 s
          observed  after 7.0 s
                    timeline: endpoint_removed +0.2 s, full +7.0 s
        """
    )


def test_a_victim_that_is_never_replaced_is_told():
    assert told(not_replaced(deleted(went(0.2)), 5.0, "timelines.json")) == cleandoc(
        """
        leads: replica leads-a (on node-a) is deleted and is not replaced in time
          expected  3 ready endpoints within 5 s
          observed  fewer until the end of the observation
                    timeline: endpoint_removed +0.2 s
          evidence  timelines.json
        """
    )


def test_a_victim_that_was_never_withdrawn_is_not_said_to_be_missed():
    (failure,) = not_replaced(deleted(), 5.0)
    assert failure.observed == "its endpoint was never withdrawn"


PLAN = plan(3, alpha=1e-6, power=0.999, smallest_skew=2.0)


def shares(victim: int, second: int, third: int) -> str:
    sample = traffic({"leads-a": victim, "leads-b": second, "leads-c": third})
    return told(uneven("leads", URL, sample, pods("abc"), PLAN))


def test_a_victim_that_is_back_with_its_share_is_good():
    assert shares(280, 290, 286) == ""


@pytest.mark.parametrize("victim", [0, PLAN.size // 5])
def test_a_victim_that_is_back_with_half_its_share_or_none_is_told_by_its_count(victim):
    rest = PLAN.size - victim
    told_of_it = shares(victim, rest // 2, rest - rest // 2)
    assert f"leads-a {100 * victim / PLAN.size:.1f} % ({victim} of {PLAN.size}), on node-a" in told_of_it


@pytest.mark.parametrize(
    ("requests", "bound"), [(1, "95 %"), (100, "3 %"), (2995, "0.1 %"), (29956, "0.01 %"), (2_995_730, "0.0001 %")]
)
def test_a_run_without_failures_bounds_their_rate(requests, bound):
    assert upper_bound(traffic({"leads-a": requests})) == (
        f"0 of {requests} requests failed: failure rate below {bound} (95% confidence)"
    )


def test_a_run_with_failures_says_how_many():
    assert upper_bound(traffic({"leads-a": 97}, {"refused": 3})) == "3 of 100 requests failed"


def test_a_run_without_requests_bounds_nothing():
    assert upper_bound(traffic({})) == "no request was made"
