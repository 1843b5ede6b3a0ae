"""Waiting, on a clock of its own: bounds, last values, errors on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from seatrial.errors import EnvironmentFault, Failed
from seatrial.waiting import Clock, consistently, eventually, look_until


class Time:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def script(*answers: object) -> Callable[[], object]:
    """Return a probe that gives the answers in turn, and the last one for ever; errors are raised."""
    left = list(answers)

    def probe() -> object:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return probe


def await_three(answers: Iterable[object], *, time: Time, within: float = 1.0, every: float = 0.4) -> object:
    return eventually(
        script(*answers),
        until=lambda seen: seen == 3,
        within_seconds=within,
        what="leads: ready replicas",
        expected="3",
        every_seconds=every,
        clock=time.clock,
    )


def test_an_accepted_first_value_costs_no_time():
    time = Time()
    assert await_three([3, 4], time=time) == 3
    assert time.slept == []


def test_the_first_accepted_value_is_returned():
    time = Time()
    assert await_three([1, 2, 3, 4], time=time) == 3
    assert time.slept == [0.4, 0.4]


def test_the_last_look_is_made_when_the_bound_is_over_not_later():
    time = Time()
    assert await_three([1, 1, 1, 3], time=time) == 3
    assert time.slept == [0.4, 0.4, 0.2]


def test_expiry_tells_the_bound_the_last_value_and_the_number_of_looks():
    with pytest.raises(Failed) as caught:
        await_three([0, 1, 2], time=Time())
    assert str(caught.value) == (
        "leads: ready replicas\n  expected  3 within 1 s\n  observed  2\n            4 looks, 0.4 s apart"
    )


def test_a_bound_of_nothing_is_one_look():
    time = Time()
    with pytest.raises(Failed, match="1 look,"):
        await_three([2], time=time, within=0)
    assert time.slept == []


def test_a_probe_that_outlasts_the_bound_is_followed_by_one_last_look():
    time = Time()
    values = iter([1, 3])

    def slow() -> int:
        time.sleep(5)
        return next(values)

    assert eventually(slow, until=lambda seen: seen == 3, within_seconds=1, what="x", clock=time.clock) == 3


def test_faults_of_the_environment_are_waited_out():
    assert await_three([EnvironmentFault("refused"), 1, EnvironmentFault("refused"), 3], time=Time()) == 3


def test_the_fault_is_raised_when_nothing_was_ever_seen():
    with pytest.raises(EnvironmentFault, match="the API server is away"):
        await_three([EnvironmentFault("refused"), EnvironmentFault("the API server is away")], time=Time())


def test_the_fault_of_the_last_look_is_told_beside_the_last_value():
    with pytest.raises(Failed) as caught:
        await_three([2, EnvironmentFault("the API server is away")], time=Time())
    assert "  observed  2\n" in str(caught.value)
    assert str(caught.value).endswith("the last look failed: the API server is away")


def test_a_fault_that_passed_is_not_told():
    with pytest.raises(Failed) as caught:
        await_three([EnvironmentFault("refused"), 2], time=Time())
    assert "refused" not in str(caught.value)


def test_other_errors_are_not_waited_out():
    time = Time()
    with pytest.raises(KeyError):
        await_three([KeyError("leads"), 3], time=time)
    assert time.slept == []


def stay_below_three(answers: Iterable[object], time: Time) -> object:
    return consistently(
        script(*answers),
        holds=lambda seen: seen < 3,  # type: ignore[operator]
        for_seconds=1.0,
        what="leads: restarts",
        expected="fewer than 3",
        every_seconds=0.4,
        clock=time.clock,
    )


def test_what_holds_all_the_time_returns_its_last_value_when_the_time_is_over():
    time = Time()
    assert stay_below_three([0, 1, 2], time) == 2
    assert time.slept == [0.4, 0.4, 0.2]


def test_the_first_violation_ends_the_watch_and_tells_when():
    time = Time()
    with pytest.raises(Failed) as caught:
        stay_below_three([0, 0, 7, 0], time)
    assert time.slept == [0.4, 0.4]
    assert str(caught.value) == (
        "leads: restarts\n  expected  fewer than 3 for 1 s\n  observed  7 after 0.8 s\n            look 3"
    )


def test_a_violation_at_the_very_end_counts():
    with pytest.raises(Failed, match=r"7 after 1\.0 s"):
        stay_below_three([0, 0, 0, 7], Time())


def test_a_gap_in_the_watch_proves_nothing():
    with pytest.raises(EnvironmentFault, match="refused"):
        stay_below_three([0, EnvironmentFault("refused"), 0], Time())


def test_the_first_value_that_is_accepted_is_returned_and_the_last_one_when_none_is():
    time = Time()
    given = {"within_seconds": 2.0, "every_seconds": 1.0, "clock": time.clock}
    assert look_until(script(1, 2, 3), until=lambda value: value == 2, **given) == 2  # type: ignore[arg-type]
    assert time.slept == [1.0]
    assert look_until(script(1, 2, 3, 4), until=lambda _: False, **given) == 3  # type: ignore[arg-type]
    assert time.slept == [1.0, 1.0, 1.0]


def test_a_look_that_fails_is_nobodys_value():
    with pytest.raises(EnvironmentFault, match="gone"):
        look_until(script(EnvironmentFault("gone")), until=bool, within_seconds=5)
