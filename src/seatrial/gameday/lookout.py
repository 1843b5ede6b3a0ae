"""Watches a game day beside its experiments: customers, steady state, stop conditions; shows what it sees."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from seatrial.errors import SeaTrialError
from seatrial.gameday.desk import Cause, Desk
from seatrial.gameday.plan import Stop
from seatrial.gameday.stop import Seen, reason_to_stop
from seatrial.load.records import LoadRequest, Tail

EVERY_SECONDS = 0.5
LOOK_SECONDS = 3.0
"""Between two looks at the steady state: seldom enough to leave the cores to the system."""


class Steadiness:
    """Whether the system is whole, and since when it is not; what cannot be looked at is not whole."""

    def __init__(self, look: Callable[[], tuple[str, ...]]) -> None:
        self._look = look
        self.lacking: tuple[str, ...] = ()
        self.lost_since: float | None = None

    def look(self, now: float) -> None:
        """Look once."""
        try:
            self.lacking = self._look()
        except SeaTrialError as error:
            self.lacking = (f"it cannot be looked at: {' '.join(str(error).split())}",)
        if not self.lacking:
            self.lost_since = None
        elif self.lost_since is None:
            self.lost_since = now


class Lookout:
    """Looks from entering until it is left. If it gives way itself, the day ends: nobody would stop it any more."""

    def __init__(
        self, desk: Desk, stop: Stop, tail: Tail, look: Callable[[], tuple[str, ...]], show: Callable[[Seen], None]
    ) -> None:
        self.steadiness = Steadiness(look)
        self._desk, self._stop, self._tail, self._show = desk, stop, tail, show
        self._requests: deque[LoadRequest] = deque()
        self._began = time.time()
        self._left = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(step, every), daemon=True)
            for step, every in ((self.glance, EVERY_SECONDS), (self.steadiness.look, LOOK_SECONDS))
        ]

    def __enter__(self) -> Self:
        self._began = time.time()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        for thread in self._threads:
            thread.join()

    def glance(self, now: float) -> None:
        """Look at the customers, show it, and end the day when it must."""
        self._requests.extend(self._tail.new())
        while self._requests and self._requests[0].end < now - self._stop.window_seconds:
            self._requests.popleft()
        steady = self.steadiness
        seen = Seen(now, self._began, tuple(self._requests), steady.lost_since, steady.lacking)
        self._show(seen)
        reason = reason_to_stop(self._stop, seen)
        if reason:
            self._desk.end(reason, Cause.CONDITION)

    def _go_on(self, step: Callable[[float], None], every: float) -> None:
        try:
            while not self._left.is_set():
                step(time.time())
                self._left.wait(every)
        except Exception as error:  # whatever it is, nobody would stop the day any more
            self._desk.end(f"the lookout gave way: {error!r}")
