"""Listening: lines from a pipe, keys from a terminal, which is as before afterwards."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Callable, Iterator

import pytest

from seatrial.gameday.ears import Ears
from seatrial.gameday.orders import Order, Word
from seatrial.waiting import eventually


@pytest.fixture
def heard() -> list[Order | str]:
    return []


@pytest.fixture(params=[os.pipe, lambda: pty.openpty()[::-1]], ids=["pipe", "terminal"])
def line(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Two descriptors: where people listen, and where they speak."""
    make: Callable[[], tuple[int, int]] = request.param
    listen, speak = make()
    yield listen, speak
    for each in (listen, speak):
        os.close(each)


def test_what_is_said_is_heard(line: tuple[int, int], heard: list[Order | str]) -> None:
    listen, speak = line
    is_terminal = os.isatty(listen)
    before = termios.tcgetattr(listen) if is_terminal else None
    with Ears(listen, heard.append):
        os.write(speak, "pn@Ada é\n".encode() if is_terminal else b"pause\nno")
        os.write(speak, b"" if is_terminal else "te @Ada é\n".encode())
        expected = [Order(Word.PAUSE), Order(Word.NOTE, "é", "Ada")]
        eventually(lambda: [*filter(None, heard)], until=lambda got: got == expected, within_seconds=10, what="orders")
    assert before is None or termios.tcgetattr(listen) == before


def test_where_nobody_speaks_nothing_is_heard(heard: list[Order | str]) -> None:
    silence = os.open(os.devnull, os.O_RDONLY)
    with Ears(silence, heard.append):
        pass
    os.close(silence)
    assert heard == []
