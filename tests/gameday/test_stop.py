"""Stop conditions: the day ends when one is met, not before, and says which."""

from __future__ import annotations

from seatrial.gameday.plan import Stop
from seatrial.gameday.stop import Seen, reason_to_stop
from seatrial.load.records import LoadRequest

STOP = Stop(error_ratio=0.2, window_seconds=30, lost_seconds=120, minutes=60)


def requests(good: int, bad: int, at: float = 990.0) -> tuple[LoadRequest, ...]:
    return (*(_request(at, "") for _ in range(good)), *(_request(at, "HTTP 500") for _ in range(bad)))


def _request(at: float, error: str) -> LoadRequest:
    return LoadRequest(at, 0.1, "look", 500 if error else 200, error, "")


def seen(**changes: object) -> Seen:
    return Seen(**({"now": 1000.0, "began": 900.0} | changes))  # type: ignore[arg-type]


def test_a_day_without_trouble_goes_on() -> None:
    assert reason_to_stop(STOP, seen(requests=requests(100, 0))) == ""


def test_more_errors_than_allowed_end_it() -> None:
    assert reason_to_stop(STOP, seen(requests=requests(80, 20))) == ""
    told = "20.8 % of 101 requests failed in 30 s, mostly 21 × look: HTTP 500; 20 % are allowed"
    assert reason_to_stop(STOP, seen(requests=requests(80, 21))) == told


def test_errors_before_the_window_and_too_few_requests_do_not() -> None:
    assert reason_to_stop(STOP, seen(requests=requests(0, 100, at=969.0))) == ""
    assert reason_to_stop(STOP, seen(requests=requests(0, 19))) == ""
    assert reason_to_stop(STOP, seen(requests=requests(0, 20))).startswith("100.0 % of 20 requests failed")


def test_a_request_that_ended_in_the_window_counts_whenever_it_began() -> None:
    slow = tuple(LoadRequest(960.0, 15.0, "look", 0, "timeout", "") for _ in range(20))
    assert "mostly 20 × look: timeout" in reason_to_stop(STOP, seen(requests=slow))


def test_a_steady_state_that_is_lost_for_too_long_ends_it() -> None:
    lost = {"lost_since": 880.0, "lacking": ("auth has 2 of 3",)}
    assert reason_to_stop(STOP, seen(**lost)) == ""
    told = "the steady state is lost for 121 s (auth has 2 of 3); 120 s are allowed"
    assert reason_to_stop(STOP, seen(**lost | {"lost_since": 879.0})) == told


def test_a_day_that_is_too_long_ends_and_several_reasons_are_told_together() -> None:
    assert reason_to_stop(STOP, seen(now=4501.0)) == "the day is longer than its 60 min"
    both = reason_to_stop(STOP, seen(now=4501.0, lost_since=4000.0, lacking=("auth has 0 of 3",)))
    assert both.startswith("the steady state is lost for 501 s")
    assert both.endswith("; the day is longer than its 60 min")
