"""Listens to people: single keys at a terminal, lines from anything else that is standard input."""

from __future__ import annotations

import codecs
import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from seatrial.gameday.orders import Order, Typing, read_order

LISTEN_SECONDS = 0.2
"""After which it is looked whether anybody is still to be listened to."""


class Ears:
    """Hears orders from entering until it is left; the terminal is as before then."""

    def __init__(self, descriptor: int, hear: Callable[[Order | str], None]) -> None:
        self.typing = Typing()
        self._descriptor = descriptor
        self._hear = hear
        self._before: list[Any] | None = None
        self._rest = ""
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        if os.isatty(self._descriptor):
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)  # Ctrl-C still works
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()
        if self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def _listen(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        while not self._left.is_set():
            if not select.select([self._descriptor], [], [], LISTEN_SECONDS)[0]:
                continue
            text = os.read(self._descriptor, 1024)
            if not text:
                return  # nobody is there to say anything
            self._take(decode(text))

    def _take(self, text: str) -> None:
        if self._before is not None:
            for key in text:
                self._hear(self.typing.press(key))
            return
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._hear(read_order(line))
