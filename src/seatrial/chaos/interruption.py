"""Ctrl-C, once: the first ends the run, and nothing after it can keep the system from being healed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible_once(say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Have the first SIGINT or SIGTERM raise KeyboardInterrupt; any later one is only told about.

    Yields a function after which none raises any more: from then on only healing is left. Signals belong to the main
    thread; in any other one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def later(number: int, frame: FrameType | None) -> None:
        say("already stopping: what was done is rolled back and healed first")

    def hold() -> None:
        for each in SIGNALS:
            signal.signal(each, later)

    def first(number: int, frame: FrameType | None) -> None:
        hold()
        raise KeyboardInterrupt

    before = {each: signal.signal(each, first) for each in SIGNALS}
    try:
        yield hold
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
