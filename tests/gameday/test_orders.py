"""What people say: lines and keys, and what is told to who says something else."""

from __future__ import annotations

import pytest

from seatrial.gameday.orders import Order, Typing, Word, read_order


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("pause\n", Order(Word.PAUSE)),
        ("  Continue ", Order(Word.CONTINUE)),
        ("skip", Order(Word.SKIP)),
        ("abort", Order(Word.ABORT)),
        ("note the pager rang", Order(Word.NOTE, "the pager rang")),
        ("note @Ada p99 is 2 s", Order(Word.NOTE, "p99 is 2 s", "Ada")),
        ("", ""),
        ("stop", "'stop' is no order; say pause, continue, skip, abort, note TEXT"),
        ("abort now", "abort takes nothing after it; say pause, continue, skip, abort, note TEXT"),
        ("note", "a note has a text: note TEXT, or note @NAME TEXT"),
        ("note @Ada", "a note has a text: note TEXT, or note @NAME TEXT"),
    ],
)
def test_a_line_is_an_order_or_is_told_what_would_be_one(line: str, order: Order | str) -> None:
    assert read_order(line) == order


def pressed(keys: str) -> list[Order | str]:
    typing = Typing()
    return [each for each in map(typing.press, keys) if each]


def test_one_key_is_one_order() -> None:
    assert pressed("pcsa") == [Order(Word.PAUSE), Order(Word.CONTINUE), Order(Word.SKIP), Order(Word.ABORT)]
    assert pressed("xyz\n") == []


def test_a_note_is_typed_until_enter_and_its_letters_are_no_orders() -> None:
    assert pressed("n@Ada pages ask\rp") == [Order(Word.NOTE, "pages ask", "Ada"), Order(Word.PAUSE)]
    assert pressed("nabx\x7fc\n") == [Order(Word.NOTE, "abc")]
    assert pressed("nabort\x1bp") == [Order(Word.PAUSE)]


def test_lines_can_be_typed_at_a_terminal_too() -> None:
    assert pressed(":skip\n") == [Order(Word.SKIP)]
    assert pressed(":stop\n") == ["'stop' is no order; say pause, continue, skip, abort, note TEXT"]
