"""The lookout: it sees customers and steady state, ends the day when it must, and never fails unnoticed."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.gameday.desk import Cause, Desk
from seatrial.gameday.lookout import Lookout, Steadiness
from seatrial.gameday.plan import Stop
from seatrial.gameday.stop import Seen
from seatrial.load.records import LoadRecord, LoadRequest, Tail, write_records
from seatrial.waiting import eventually

STOP = Stop(error_ratio=0.2, window_seconds=30, lost_seconds=120, minutes=60)


@pytest.fixture
def desk() -> Desk:
    return Desk("Grace", lambda _: None, lambda: None)


def grow(path: Path, requests: list[LoadRequest]) -> None:
    packed = path.with_suffix(".gz")
    write_records(packed, LoadRecord(tuple(requests)))
    head = not path.exists()
    with path.open("a") as file:
        file.writelines(gzip.decompress(packed.read_bytes()).decode().splitlines(keepends=True)[0 if head else 1 :])


def lookout(desk: Desk, path: Path, shown: list[Seen]) -> Lookout:
    return Lookout(desk, STOP, Tail(path), lambda: (), shown.append)


def test_a_tail_gives_each_request_once(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    tail = Tail(path)
    assert tail.new() == ()
    first, second = LoadRequest(1.0, 0.1, "look", 200, "", "a"), LoadRequest(2.0, 0.1, "look, buy", 0, "refused", "")
    grow(path, [first])
    assert (tail.new(), tail.new()) == ((first,), ())
    with path.open("a") as file:
        file.write('2.0,0.1,"look, ')
    assert tail.new() == ()
    with path.open("a") as file:
        file.write('buy",0,refused,\n')
    assert tail.new() == (second,)


def test_it_forgets_what_left_the_window_and_ends_the_day(desk: Desk, tmp_path: Path) -> None:
    now, path, shown = time.time(), tmp_path / "load.csv", list[Seen]()
    watching = lookout(desk, path, shown)
    grow(path, [LoadRequest(now - 60, 0.1, "look", 0, "refused", "") for _ in range(50)])
    watching.glance(now)
    assert (shown[-1].requests, desk.ending) == ((), "")
    grow(path, [LoadRequest(now - 1, 0.1, "look", 0, "refused", "") for _ in range(20)])
    watching.glance(now)
    assert len(shown[-1].requests) == 20
    assert desk.ending.startswith("100.0 % of 20 requests failed in 30 s")
    assert desk.cause is Cause.CONDITION


def test_what_cannot_be_looked_at_is_not_steady() -> None:
    answers: list[tuple[str, ...] | Exception] = [EnvironmentFault("no answer"), ("auth has 2",), (), ("auth has 1",)]

    def look() -> tuple[str, ...]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    steady, seen = Steadiness(look), []
    for now in (1.0, 2.0, 3.0, 4.0):
        steady.look(now)
        seen.append((steady.lost_since, steady.lacking))
    assert seen == [
        (1.0, ("it cannot be looked at: no answer",)),
        (1.0, ("auth has 2",)),
        (None, ()),
        (4.0, ("auth has 1",)),
    ]


def test_a_lookout_that_gives_way_ends_the_day(desk: Desk, tmp_path: Path) -> None:
    def broken(_: Seen) -> None:
        raise RuntimeError("no screen")

    with Lookout(desk, STOP, Tail(tmp_path / "none"), lambda: (), broken):
        ending = eventually(lambda: desk.ending, until=bool, within_seconds=10, what="the end")
    assert (ending, desk.cause) == ("the lookout gave way: RuntimeError('no screen')", Cause.TROUBLE)
