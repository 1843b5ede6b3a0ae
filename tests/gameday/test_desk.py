"""The desk: orders change the state, only an experiment that runs is interrupted, and all is kept with its time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from seatrial.gameday.desk import Cause, Desk, Telling
from seatrial.gameday.orders import Order, Word
from seatrial.progress import Phases

FOLDER = Path("/reports/1")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def desk(said: list[str]) -> Desk:
    return Desk("Grace", said.append, lambda: said.append("Ctrl-C"), following="1 pod-kill")


def test_pause_holds_until_continue(desk: Desk, said: list[str]) -> None:
    desk.obey(Order(Word.PAUSE))
    assert desk.paused
    desk.obey(Order(Word.CONTINUE))
    assert not desk.paused
    assert said == ["paused: no further experiment begins", "goes on"]


def test_skip_between_experiments_means_the_next_one(desk: Desk, said: list[str]) -> None:
    desk.obey(Order(Word.SKIP))
    assert (said, desk.skip_asked) == (["skip 1 pod-kill"], True)
    assert (desk.skipped(), desk.skipped(), desk.ending) == (True, False, "")


@pytest.mark.parametrize(
    ("word", "told"), [(Word.SKIP, "skip 1 pod-kill"), (Word.ABORT, "the day ends: a person aborted it")]
)
def test_an_experiment_that_runs_is_interrupted(desk: Desk, said: list[str], word: Word, told: str) -> None:
    with desk.running("1 pod-kill", FOLDER):
        desk.obey(Order(word))
    assert (said, desk.current, desk.folder) == ([told, "Ctrl-C"], "", None)


def test_the_first_reason_for_the_end_counts(desk: Desk, said: list[str]) -> None:
    desk.end("too many errors", Cause.CONDITION)
    desk.obey(Order(Word.ABORT))
    assert (desk.ending, desk.cause) == ("too many errors", Cause.CONDITION)
    assert said == ["the day ends: too many errors"]


def test_a_note_has_an_author_and_a_time(desk: Desk, said: list[str]) -> None:
    desk.obey(Order(Word.NOTE, "the pager rang", "Ada"))
    desk.obey(Order(Word.NOTE, "we wait"))
    assert [(each.author, each.text) for each in desk.notes] == [("Ada", "the pager rang"), ("Grace", "we wait")]
    assert desk.notes[0].at <= desk.notes[1].at
    assert said == ["note by Ada: the pager rang", "note by Grace: we wait"]


def test_what_is_no_order_is_told(desk: Desk, said: list[str]) -> None:
    desk.obey("'stop' is no order")
    desk.obey("")
    assert said == ["'stop' is no order"]


def test_progress_of_experiments_is_part_of_the_record(desk: Desk, said: list[str]) -> None:
    phases = Phases(Console(file=Telling(desk), highlight=False, soft_wrap=True))
    with phases.phase("experiment pod-kill", then="heal"):
        phases.say("x" * 300)
    assert said[:2] == ["· experiment pod-kill (next: heal) …", "x" * 300]
    assert [each.text for each in desk.lines] == said


def test_orders_of_another_thread_interrupt_the_main_one(said: list[str]) -> None:
    desk = Desk("Grace", said.append)

    def abort_from_elsewhere(then: Callable[[], None]) -> None:
        thread = threading.Thread(target=desk.obey, args=(Order(Word.ABORT),))
        thread.start()
        thread.join()
        then()

    with pytest.raises(KeyboardInterrupt), desk.running("1 pod-kill", FOLDER):
        abort_from_elsewhere(threading.Event().wait)
