"""Names and traffic that follow a replica which joins or leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import cleandoc

from seatrial.checks.membership import starved, unforgotten, unfound, unnamed
from seatrial.observe.membership import Membership
from seatrial.observe.records import Traffic

from .traffic import URL, answer, error, pod, sent_late, told

CHANGED_AT = 1000.0
TIMEOUT = 2.0


def member(
    answers: Sequence[float] = (),
    *,
    others: Sequence[float] = (),
    lost: Sequence[float] = (),
    named: Mapping[str, float | None] | None = None,
) -> Membership:
    """Return replica leads-d, its answers and those of others, and lost requests, in seconds from the change."""
    requests = [
        *(answer("leads-d", at=CHANGED_AT + seconds) for seconds in answers),
        *(answer("leads-a", at=CHANGED_AT + seconds) for seconds in others),
        *(error("refused", at=CHANGED_AT + seconds) for seconds in lost),
    ]
    traffic = Traffic("node-x", URL, True, tuple(requests))
    return Membership("leads", pod("d"), CHANGED_AT, named or {}, traffic)


def test_names_that_follow_in_time_are_good():
    assert told(unnamed(member(named={"node-a": 0.4, "node-b": 40.0}), 40.0, present=True)) == ""


def test_each_node_that_does_not_name_a_new_replica_is_told():
    seen = member(named={"node-b": None, "node-c": 3.0, "node-a": 41.25})
    assert told(unnamed(seen, 40.0, present=True)) == cleandoc(
        """
        leads: replica leads-d (10.0.0.4) is not named on node-a
          expected  DNS follows within 40 s
          observed  after 41.2 s
          hint      DNS caches longer than the bound, or endpoints are behind
        leads: replica leads-d (10.0.0.4) is not named on node-b
          expected  DNS follows within 40 s
          observed  not within the bound
          hint      DNS caches longer than the bound, or endpoints are behind
        """
    )


def test_a_removed_replica_that_is_still_named_is_told():
    assert told(unnamed(member(named={"node-a": None}), 40.0, present=False)) == cleandoc(
        """
        leads: replica leads-d (10.0.0.4) is still named on node-a
          expected  DNS follows within 40 s
          observed  not within the bound
          hint      DNS caches longer than the bound, or endpoints are behind
        """
    )


def test_a_new_replica_that_answers_in_time_is_found():
    assert told(unfound(member([7.5, 6.0], others=[0.1]), 6.0)) == ""


def test_a_new_replica_that_answers_late_is_told():
    assert told(unfound(member([9.0, 7.5], others=[0.1]), 6.0)) == cleandoc(
        """
        leads: the new replica leads-d (10.0.0.4) gets no traffic in time
          expected  first answer within 6 s after it was ready
          observed  after 7.5 s
          hint      its endpoint is missing, or the nodes' proxies are behind
        """
    )


def test_a_new_replica_that_never_answers_is_told():
    (failure,) = unfound(member(others=[0.1, 8.0]), 6.0)
    assert failure.observed == "none of 2 requests"


def test_no_traffic_does_not_show_that_a_new_replica_is_found():
    (failure,) = unfound(member(), 6.0)
    assert failure.observed == "none of 0 requests"


def test_a_removed_replica_that_answers_within_the_bound_only_is_forgotten():
    assert told(unforgotten(member([0.1, 6.0], others=[6.1]), 6.0, TIMEOUT)) == ""


def test_late_answers_of_a_removed_replica_and_lost_requests_are_told_together():
    assert told(
        unforgotten(member([0.1, 8.5, 7.0], others=[9.0], lost=[0.5]), 6.0, TIMEOUT, "sent.csv.gz")
    ) == cleandoc(
        """
        leads: the removed replica leads-d (10.0.0.4) still gets traffic
          expected  none later than 6 s after it was asked to go
          observed  2 requests, the last after 8.5 s
          hint      its endpoint stayed, or the nodes' proxies are behind
        leads: requests fail while replica leads-d leaves
          expected  no failed request
          observed  1 of 5 failed: 1 × refused
                    first: refused +0.5 s (no replica known)
          hint      the replica stops to accept before its endpoint is forgotten (preStop, drain)
          evidence  sent.csv.gz
        """
    )


def late(member: Membership) -> Membership:
    """Return the same with requests that were sent 0.36 s after they were due."""
    return replace(member, traffic=replace(member.traffic, requests=tuple(sent_late(member.traffic.requests, 0.36))))


def test_what_failed_and_was_sent_late_is_a_doubt_and_no_failure():
    starving = late(member([0.1], others=[9.0], lost=[0.5]))
    assert told(unforgotten(starving, 6.0, TIMEOUT)) == ""
    assert told(starved(starving, TIMEOUT)) == cleandoc(
        """
        leads, while replica leads-d leaves: 1 of 3 requests fail: 1 × refused
          missing   requests that are sent in time: 99 of 100 within 200.0 ms after they are due
                    99 of 100 within 360.0 ms, 3 requests from node-x
          remedy    give the machine to the trial alone, or declare a lower rate
        """
    )


def test_neither_failures_that_were_sent_in_time_nor_lateness_alone_are_a_doubt():
    assert told(starved(member([0.1], lost=[0.5]), TIMEOUT)) == ""
    assert told(starved(late(member([0.1])), TIMEOUT)) == ""


def test_traffic_that_ends_within_the_bound_does_not_show_that_a_replica_is_forgotten():
    assert told(unforgotten(member(others=[0.1, 6.0]), 6.0, TIMEOUT)) == cleandoc(
        """
        leads: no request was made long enough after replica leads-d left
          expected  requests later than 6 s after it was asked to go
          observed  0 of 2
        """
    )


def test_no_traffic_does_not_show_that_a_replica_is_forgotten():
    (failure,) = unforgotten(member(), 6.0, TIMEOUT)
    assert failure.observed == "0 of 0"
