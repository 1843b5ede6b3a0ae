"""Progress of long work: what runs now, how long already, what it waits for; plain lines when not on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

Note = Callable[[Callable[[], str]], None]
PLAIN_NOTE_SECONDS = 30.0
"""How often a long phase says where it is when the output is no terminal."""


@dataclass
class Phases:
    """Named phases with their durations in seconds, told as they pass.

    Safe to use from several threads: work that is not compiling runs beside the compiler.
    """

    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    seconds: dict[str, float] = field(default_factory=dict)
    _live: Progress | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _running: int = 0

    @contextmanager
    def phase(self, name: str, *, estimate_seconds: float | None = None, then: str = "") -> Iterator[Note]:
        """Run one phase; ``estimate_seconds`` is the time measured on two cores, ``then`` names what comes next.

        Yields a function that takes another function: its text is asked for and shown from time to time.
        """
        notes = [f"about {estimate_seconds:.0f} s"] if estimate_seconds else []
        notes += [f"next: {then}"] if then else []
        text = f"{name} ({', '.join(notes)})" if notes else name
        started = time.monotonic()
        task = self._begin(text)
        ended = threading.Event()

        def note(tell: Callable[[], str]) -> None:
            threading.Thread(target=self._follow, args=(task, text, tell, ended), daemon=True).start()

        try:
            yield note
        except BaseException:
            self._end(task, f"✗ {name}: stopped after {time.monotonic() - started:.1f} s")
            raise
        finally:
            ended.set()
        took = time.monotonic() - started
        with self._lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + took
        self._end(task, f"✓ {name} {took:.1f} s")

    def say(self, line: str) -> None:
        """Tell one line that is not a phase."""
        (self._live.console if self._live else self.console).print(line, markup=False, soft_wrap=True)

    def _follow(self, task: TaskID | None, text: str, tell: Callable[[], str], ended: threading.Event) -> None:
        while not ended.wait(PLAIN_NOTE_SECONDS if task is None else 1.0):
            if task is None or self._live is None:
                self.say(f"  {text}: {tell()}")
            else:
                self._live.update(task, description=f"{text}: {tell()}")

    def _begin(self, text: str) -> TaskID | None:
        with self._lock:
            if not self.console.is_terminal:
                self.say(f"· {text} …")
                return None
            if self._live is None:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
                self._live = Progress(*columns, console=self.console, transient=True)
                self._live.start()
            self._running += 1
            return self._live.add_task(text, total=None)

    def _end(self, task: TaskID | None, line: str) -> None:
        with self._lock:
            self.say(line)
            if task is None or self._live is None:
                return
            self._live.remove_task(task)
            self._running -= 1
            if not self._running:
                self._live.stop()
                self._live = None
