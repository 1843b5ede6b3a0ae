"""Served as well as before? The verdicts on customers' requests, in the words that a person reads."""

from __future__ import annotations

import pytest

from seatrial.errors import Failed, Inconclusive
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.load.regression import FEWEST_REQUESTS, check_no_regression, is_as_fast
from seatrial.tolerances import Tolerances

TOLERANCES = Tolerances(load_success=0.95, load_slowdown=2.0, load_seconds=200)


def served(count: int = 100, seconds: float = 0.02, **errors: int) -> LoadRecord:
    good = [LoadRequest(float(number), seconds, "buy", 200, "", "auth-1") for number in range(count)]
    failed = [LoadRequest(0.0, 9.0, "log in", 0, error, "") for error, hits in errors.items() for _ in range(hits)]
    return LoadRecord((*good, *failed))


def failure(before: LoadRecord, after: LoadRecord) -> str:
    with pytest.raises(Failed) as caught:
        check_no_regression(before, after, TOLERANCES, "requests.csv")
    return str(caught.value)


@pytest.mark.parametrize("after", [served(), served(seconds=0.04), served(95, Timeout=5), served(FEWEST_REQUESTS)])
def test_as_good_as_before_within_the_bounds_passes(after: LoadRecord) -> None:
    check_no_regression(served(), after, TOLERANCES)


def test_too_few_requests_tell_nothing() -> None:
    with pytest.raises(Inconclusive) as caught:
        check_no_regression(served(29), served(0), TOLERANCES)
    assert str(caught.value) == (
        "customers' journey\n"
        "  missing   30 requests before the fault: there are 29\n"
        "  remedy    raise load_users or load_seconds in system.yaml\n"
        "customers' journey\n"
        "  missing   30 requests after the fault: there are 0\n"
        "  remedy    raise load_users or load_seconds in system.yaml"
    )


def test_requests_that_fail_afterwards_are_told_by_kind_the_most_frequent_first() -> None:
    assert failure(served(), served(90, Timeout=4, ConnectionError=6)) == (
        "customers' journey: requests fail after the fault\n"
        "  expected  at least 95.00% succeed\n"
        "  observed  90.00% of 100: 6 × log in: ConnectionError, 4 × log in: Timeout\n"
        "  evidence  requests.csv"
    )


def test_only_the_five_most_frequent_errors_are_told() -> None:
    told = failure(served(), served(40, A=1, B=2, C=3, D=4, E=5, F=6))
    assert "6 × log in: F, 5 × log in: E, 4 × log in: D, 3 × log in: C, 2 × log in: B\n" in told
    assert "log in: A" not in told


def test_requests_that_failed_before_the_fault_are_told_as_such() -> None:
    assert failure(served(90, Timeout=10), served()).startswith("customers' journey: requests fail before the fault\n")


def test_a_slower_median_is_told_in_milliseconds() -> None:
    assert failure(served(seconds=0.02), served(seconds=0.05)) == (
        "customers' journey: it is slower after the fault than before\n"
        "  expected  median at most 2 times as long within 30 s, for 200 s\n"
        "  observed  2.50 times: 20.0 ms before, 50.0 ms after\n"
        "  hint      a replica is missing, cold or throttled\n"
        "  evidence  requests.csv"
    )


def test_when_nothing_succeeds_the_failures_are_told_and_no_median() -> None:
    told = failure(served(), served(0, Timeout=100))
    assert "0.00% of 100: 100 × log in: Timeout" in told
    assert "slower" not in told


def test_customers_may_be_slow_at_first_but_no_request_may_fail_even_then() -> None:
    slow = served(100, seconds=0.5, Timeout=6).requests
    fast = LoadRecord(served(100, seconds=0.03).requests).later(1000.0).requests
    after = LoadRecord((*slow, *fast))
    assert is_as_fast(served(), after, TOLERANCES)
    assert not is_as_fast(served(), LoadRecord(slow), TOLERANCES)
    check_no_regression(served(), after, TOLERANCES)
    more = LoadRecord((*served(100, seconds=0.5, Timeout=20).requests, *fast))
    assert "90.91% of 220: 20 × log in: Timeout" in failure(served(), more)


@pytest.mark.parametrize(("latest", "enough"), [(0, False), (FEWEST_REQUESTS - 1, False), (FEWEST_REQUESTS, True)])
def test_customers_are_watched_until_there_are_enough_of_their_requests(latest: int, enough: bool) -> None:
    """A slow machine sends too few at first, and more when its replicas are warm."""
    earlier = served(100, seconds=0.5).requests
    after = LoadRecord((*earlier, *served(latest).later(1000.0).requests))
    assert is_as_fast(served(), after, TOLERANCES) is enough
