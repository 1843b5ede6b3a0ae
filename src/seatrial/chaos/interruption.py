"""Ctrl-C, once: the first ends the run, and nothing after it can keep the system from being healed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Interruption:
    """Whether somebody asked the run to end."""

    say: Callable[[str], None]
    asked: bool = False
    held: bool = False
    """True when nothing is interrupted any more: only healing is left."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.held:
            self.say("already stopping: what was done is rolled back and healed first")
            return
        self.asked = self.held = True
        raise KeyboardInterrupt


@contextmanager
def interruptible_once(say: Callable[[str], None]) -> Iterator[Interruption]:
    """Have the first SIGINT or SIGTERM raise KeyboardInterrupt; any later one is only told about.

    Signals belong to the main thread; in any other one nothing is changed.
    """
    interruption = Interruption(say)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {each: signal.signal(each, interruption) for each in SIGNALS}
    try:
        yield interruption
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
