"""Where those who lead a game day, those who watch it, and those who run it meet: orders, notes, and what was told."""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from seatrial.gameday.orders import Order, Word


@dataclass(frozen=True, slots=True)
class Line:
    """What was told, or noted."""

    at: float
    """Unix seconds."""
    text: str
    author: str = ""
    """Of a note; empty for what the game day itself told."""


class Cause(StrEnum):
    """Who or what ends a day before its plan does."""

    NOTHING = "nothing"
    PERSON = "a person"
    CONDITION = "a stop condition"
    TROUBLE = "trouble"


def interrupt_main() -> None:
    """Do to the main thread what Ctrl-C does: an experiment that runs there is rolled back and healed."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@dataclass
class Desk:
    """The state of the day; safe to use from several threads."""

    lead: str
    echo: Callable[[str], None]
    interrupt: Callable[[], None] = interrupt_main
    lines: list[Line] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)
    paused: bool = False
    ending: str = ""
    """Why the day ends before its plan does; empty while it goes on."""
    cause: Cause = Cause.NOTHING
    """Who or what ended it."""
    following: str = ""
    """What comes next."""
    current: str = ""
    """The experiment that runs; empty between two."""
    folder: Path | None = None
    """Of its records."""
    _skip: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def tell(self, text: str) -> None:
        """Keep a line with its time, and show it."""
        with self._lock:
            self.lines.append(Line(time.time(), text))
            self.echo(text)

    def obey(self, order: Order | str) -> None:
        """Do what a person asks for, or tell what is wrong with it."""
        if isinstance(order, str):
            if order:
                self.tell(order)
        elif order.word is Word.NOTE:
            self._note(order)
        elif order.word is Word.ABORT:
            self.end("a person aborted it", Cause.PERSON)
        elif order.word is Word.SKIP:
            self._pass_over()
        else:
            self.paused = order.word is Word.PAUSE
            self.tell("paused: no further experiment begins" if self.paused else "goes on")

    def end(self, reason: str, cause: Cause = Cause.TROUBLE) -> None:
        """End the day for the first reason that is given; what runs is rolled back and healed."""
        with self._lock:
            if self.ending:
                return
            self.ending, self.cause = reason, cause
            self.tell(f"the day ends: {reason}")
            self._stop_current()

    def skipped(self) -> bool:
        """Tell whether somebody asked to skip since the last time, which is answered by that."""
        with self._lock:
            asked, self._skip = self._skip, False
            return asked

    @property
    def skip_asked(self) -> bool:
        return self._skip

    @contextmanager
    def running(self, name: str, folder: Path) -> Iterator[None]:
        """Let an experiment run; only meanwhile is it interrupted."""
        with self._lock:
            self.current, self.folder = name, folder
        try:
            yield
        finally:
            with self._lock:
                self.current, self.folder = "", None

    def _note(self, order: Order) -> None:
        with self._lock:
            note = Line(time.time(), order.text, order.author or self.lead)
            self.notes.append(note)
            self.echo(f"note by {note.author}: {note.text}")

    def _pass_over(self) -> None:
        with self._lock:
            self._skip = True
            self.tell(f"skip {self.current or self.following}")
            self._stop_current()

    def _stop_current(self) -> None:
        if self.current:
            self.interrupt()


class Telling(io.StringIO):
    """A file whose lines are told at the desk, so that progress of experiments is part of the record."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._rest = ""

    def write(self, text: str) -> int:
        """Tell each line that is whole."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in filter(None, whole):
            self._desk.tell(line)
        return len(text)
