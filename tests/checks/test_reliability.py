"""Failure ratios with their bounds, latency from when requests were due, and runs that do not count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from inspect import cleandoc

import pytest
from scipy import stats

from seatrial.checks.reliability import (
    Bound,
    Latencies,
    failure_bounds,
    failures,
    late,
    latencies,
    quantile,
    sample_size,
    settling_size,
    too_many_failures,
    unsettled,
)
from seatrial.observe.records import Request, Traffic

from .traffic import told

BOUND = Bound(0.001, 0.95)


def load(
    good: int, *, seconds: Sequence[float] = (0.01,), lag: float = 0.0, status: int = 200, **failed: int
) -> Traffic:
    """Return so many good answers that took so long in turn, and then failed ones: ``refused=3``, ``s503=2``."""
    answers = [(status, "", seconds[number % len(seconds)]) for number in range(good)]
    answers += [
        (int(kind[1:]), "", 0.01) if kind[1:].isdigit() else (0, kind, 0.01)
        for kind, hits in failed.items()
        for _ in range(hits)
    ]
    rows = ((number * 0.01, *each) for number, each in enumerate(answers))
    requests = (Request(due, due + lag, due + took, status, "auth-a", error) for due, status, error, took in rows)
    return Traffic("node-a+node-b", "http://auth/whoami", False, tuple(requests))


def judged(traffic: Traffic, status: int = 200) -> str:
    failed = told(too_many_failures("users → auth", traffic, status, BOUND, "load.csv"))
    return failed or told(unsettled("users → auth", traffic, status, BOUND))


@pytest.mark.parametrize(
    ("ratio", "confidence", "size"),
    [(0.001, 0.95, 2995), (0.0001, 0.95, 29956), (0.001, 0.99, 4603), (0.01, 0.95, 299)],
)
def test_the_sample_is_the_smallest_that_shows_the_bound_without_a_failure(ratio: float, confidence: float, size: int):
    assert sample_size(Bound(ratio, confidence)) == size
    assert failure_bounds(0, size, confidence)[1] <= ratio < failure_bounds(0, size - 1, confidence)[1]
    assert size == pytest.approx(-math.log(1 - confidence) / ratio, rel=0.01)


@pytest.mark.parametrize(("failed", "count"), [(1, 3000), (7, 3000), (30, 100)])
def test_bounds_leave_the_error_of_the_confidence_on_each_side(failed: int, count: int):
    low, high = failure_bounds(failed, count, 0.95)
    assert stats.binom.cdf(failed, count, high) == pytest.approx(0.05)
    assert stats.binom.sf(failed - 1, count, low) == pytest.approx(0.05)


def test_bounds_of_all_of_none_and_of_nothing():
    assert failure_bounds(0, 0, 0.95) == (0.0, 1.0)
    assert failure_bounds(0, 10, 0.95) == (0.0, pytest.approx(1 - 0.05**0.1))
    assert failure_bounds(10, 10, 0.95) == (pytest.approx(0.05**0.1), 1.0)


def test_enough_requests_without_a_failure_are_good():
    assert judged(load(2995)) == ""
    assert judged(load(2995, status=202), 202) == ""


def test_too_few_requests_without_a_failure_tell_nothing():
    assert judged(load(1000)) == cleandoc(
        """
        users → auth
          missing   enough requests to tell whether less than 0.1 % fail, at 95% confidence
                    0 of 1,000 failed, 0 % to 0.299 %
          remedy    about 2,995 requests would tell
        """
    )


def test_one_failure_tells_nothing_and_the_remedy_is_a_number():
    assert judged(load(2994, reset=1)) == cleandoc(
        """
        users → auth
          missing   enough requests to tell whether less than 0.1 % fail, at 95% confidence
                    1 of 2,995 failed, 0.00171 % to 0.158 %: 1 × reset
          remedy    about 6,635 requests would tell
        """
    )


def test_many_failures_are_told_with_their_kinds_and_what_good_answers_took():
    assert judged(load(2900, timeout=60, s503=40)) == cleandoc(
        """
        users → auth: too many requests fail
          expected  less than 0.1 % fail, at 95% confidence
          observed  100 of 3,000 failed, at least 2.81 %: 60 × timeout, 40 × HTTP 503
                    good answers: p50 10.0 ms, p95 10.0 ms, p99 10.0 ms after they were due
          window    steady load over kept connections from node-a+node-b
          hint      the replicas are throttled, too few, or go away; the way to them is not reliable
          evidence  load.csv
        """
    )


def test_another_status_than_the_declared_one_is_a_failure():
    assert len(failures(load(3, s302=2), 200)) == 2
    assert len(failures(load(3, s302=2), 302)) == 3


def test_requests_of_which_none_is_answered_are_told():
    found = judged(load(0, refused=3000))
    assert "3,000 of 3,000 failed, at least 99.9 %: 3,000 × refused" in found
    assert "good answers: none" in found


def test_no_request_at_all_is_a_doubt():
    assert "0 of 0 failed, 0 % to 100 %" in judged(load(0))


@pytest.mark.parametrize(("failed", "count"), [(0, 10), (1, 2995), (3, 1500), (4, 3000)])
def test_the_number_that_would_settle_it_does(failed: int, count: int):
    size = settling_size(failed, count, BOUND)
    assert size is not None
    low, high = failure_bounds(failed / count * size, size, BOUND.confidence)
    assert high <= BOUND.ratio or low > BOUND.ratio


@pytest.mark.parametrize(("failed", "count"), [(3, 3000), (0, 0), (1_000_001, 1_000_000_000)])
def test_no_number_is_told_where_none_would_settle_it(failed: int, count: int):
    assert settling_size(failed, count, BOUND) is None


def test_latency_counts_from_when_a_request_was_due():
    traffic = load(100, seconds=[number / 1000 for number in range(1, 101)], lag=0.0005, timeout=50)
    assert latencies(traffic, 200) == Latencies(
        pytest.approx(0.05), pytest.approx(0.095), pytest.approx(0.099), pytest.approx(0.0005)
    )


@pytest.mark.parametrize(("part", "value"), [(0.5, 2), (0.51, 3), (0.99, 4), (1.0, 4), (0.0, 1)])
def test_a_quantile_is_a_value_that_was_seen(part: float, value: float):
    assert quantile([1, 2, 3, 4], part) == value
    assert math.isnan(quantile([], part))


def test_requests_that_are_sent_in_time_count():
    assert told(late("users → auth", load(1000, lag=0.005), 0.005001)) == ""
    one_of_hundred = Traffic("n", "u", False, load(990).requests + load(10, lag=0.2).requests)
    assert told(late("users → auth", one_of_hundred, 0.005)) == ""


def test_a_late_sender_proves_nothing():
    two_of_hundred = Traffic("node-a", "u", False, load(980).requests + load(20, lag=0.0321).requests)
    assert told(late("users → auth", two_of_hundred, 0.005)) == cleandoc(
        """
        users → auth
          missing   requests that are sent in time: 99 of 100 within 5.0 ms after they are due
                    99 of 100 within 32.1 ms, 1,000 requests from node-a
          remedy    give the machine to the trial alone, or declare a lower rate
        """
    )


def test_nobody_who_sent_nothing_was_in_time():
    assert "missing   requests" in told(late("users → auth", load(0), 0.005))
