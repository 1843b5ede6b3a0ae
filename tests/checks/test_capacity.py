"""Many large requests at the same time: were they, and did every replica stand them?"""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc
from typing import Any

import pytest

from seatrial.checks.capacity import Bulk, ended, failed, most_at_once, unproven
from seatrial.observe.records import Request, Traffic

from .traffic import answer, error, pods, told


def crowd(*, size: int = 4, rounds: int = 3, status: int = 202) -> list[Request]:
    """Return so many requests at the same time, again and again: each takes a second."""
    starts = [float(turn) for turn in range(rounds) for _ in range(size)]
    return [replace(answer("leads-a", at=at), end=at + 1, status=status) for at in starts]


def bulk(requests: list[Request] | None = None, **changes: Any) -> Bulk:
    sent = crowd() if requests is None else requests
    good = Bulk("leads", 900, 4, 202, Traffic("node-x", "", True, tuple(sent)), pods("abc"), pods("abc"))
    return replace(good, **changes)


def test_large_requests_that_are_answered_by_replicas_that_stay_are_good():
    assert [*unproven(bulk()), *ended(bulk()), *failed(bulk())] == []


@pytest.mark.parametrize(("requests", "most"), [(crowd(size=4), 4), (crowd(size=1), 1), ([], 0)])
def test_those_under_way_at_the_same_time_are_counted(requests: list[Request], most: int):
    assert most_at_once(requests) == most


def test_one_that_begins_when_another_ends_is_not_at_the_same_time():
    assert most_at_once(crowd(size=1, rounds=5)) == 1


def test_fewer_at_the_same_time_than_declared_are_a_doubt():
    assert told(unproven(bulk(crowd(size=2)))) == cleandoc(
        """
        leads: 6 requests of 900 kB, 4 of them at a time
          missing   4 large requests at the same time
                    at most 2 were
          remedy    see what keeps the agents busy
        """
    )


def test_a_replica_that_ends_under_large_requests_is_told_with_its_end():
    first, *others = pods("abc")
    after = (replace(first, restarts=1, ended="OOMKilled"), *others)
    assert told(ended(bulk(after=after))) == cleandoc(
        """
        leads: replica leads-a (on node-a) does not stand large requests
          expected  no replica ends
          observed  restarted 1 time: OOMKilled
          window    12 requests of 900 kB, 4 of them at a time
          hint      its memory limit is too low for what it takes, or it takes more than it gives back
        """
    )


def test_a_replica_that_ended_more_than_once_or_is_gone_is_told():
    first, second, _ = pods("abc")
    found = told(ended(bulk(after=(replace(first, restarts=2), second))))
    assert "observed  restarted 2 times\n" in found
    assert "leads-c (on node-c)" in found
    assert "observed  its pod is gone" in found


def test_restarts_of_before_do_not_count():
    old = tuple(replace(each, restarts=3, ended="Error") for each in pods("abc"))
    assert list(ended(bulk(before=old, after=old))) == []


def test_large_requests_that_fail_are_told_with_their_kinds():
    requests = [*crowd(), error("reset"), error("reset"), error("502"), answer("leads-a")]
    assert told(failed(bulk(requests), "large.csv")) == cleandoc(
        """
        leads: large requests fail
          expected  HTTP 202 for each of them
          observed  4 of 16 failed: 2 × reset, 1 × HTTP 502, 1 × HTTP 200
          window    16 requests of 900 kB, 4 of them at a time, from node-x
          evidence  large.csv
        """
    )


def test_no_large_request_at_all_is_a_failure():
    assert "observed  none was sent" in told(failed(bulk([])))
