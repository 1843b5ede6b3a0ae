"""A fault that is to stay where it was done: what is told of requests that others should have answered."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

from seatrial.checks.reach import failures_beside, failures_of_others
from seatrial.observe.records import Request, Traffic

from .outages import FAULT_AT, NOTHING, VICTIM, flow, outage
from .traffic import URL, told

WHAT = "leads undergoes error-rate"


def answered(status: int, by: str, seconds: float = 1.0) -> Request:
    at = FAULT_AT + seconds
    return Request(at, at, at + 0.01, status, by, "")


def with_these(*requests: Request) -> Traffic:
    flowed = flow(victim_until=99.0)
    return replace(flowed, requests=(*flowed.requests, *requests))


def test_errors_of_the_victim_are_its_own():
    traffic = with_these(answered(500, VICTIM), answered(500, VICTIM))
    assert told(failures_of_others(outage(kind="undergoes error-rate", traffic=traffic))) == ""


def test_errors_of_others_are_told_by_their_kinds():
    traffic = with_these(answered(500, VICTIM), answered(500, "leads-b"), answered(503, ""), answered(503, "leads-c"))
    assert told(failures_of_others(outage(kind="undergoes error-rate", traffic=traffic))) == cleandoc(
        """
        leads: replica leads-a undergoes error-rate and requests fail that it did not answer
          expected  no failed request but those that it answered
          observed  3 of 45 failed elsewhere: 2 × HTTP 503, 1 × HTTP 500
          hint      another replica follows it, or connections to it are cut
        """
    )


def test_errors_before_the_fault_are_no_matter():
    traffic = with_these(answered(500, "leads-b", -2.0))
    assert told(failures_of_others(outage(traffic=traffic))) == ""


def test_nothing_asked_is_a_failure():
    assert told(failures_of_others(NOTHING)) == cleandoc(
        """
        leads: replica leads-a is not ready and is not observed
          expected  requests after the fault
          observed  none
        """
    )


def test_a_service_beside_that_answers_all_is_spared():
    assert told(failures_beside("users", flow(victim_until=99.0), FAULT_AT, WHAT)) == ""


def test_a_service_beside_that_fails_is_told():
    traffic = flow(victim_until=99.0, lost={-1.0: "timeout", 2.0: "refused", 3.0: "timeout", 4.0: "refused"})
    assert told(failures_beside("users", traffic, FAULT_AT, WHAT, "requests.csv")) == cleandoc(
        """
        users: requests fail while leads undergoes error-rate
          expected  no failed request: nothing was done to this service
          observed  3 of 41 failed: 2 × refused, 1 × timeout
          hint      the fault reaches beyond its targets: shared nodes, or the way to the services
          evidence  requests.csv
        """
    )


def test_a_service_beside_that_nobody_asks_is_a_failure():
    assert told(failures_beside("users", Traffic("n", URL, True, ()), FAULT_AT, WHAT)) == cleandoc(
        """
        users: is not observed while leads undergoes error-rate
          expected  requests meanwhile
          observed  none
        """
    )
