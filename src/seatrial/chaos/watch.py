"""The runner's side of its watchdog: started before the fault, dismissed by a word, or left to do its work."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from seatrial.chaos.watch_order import RESULT, WORD, Order, State, read_watch
from seatrial.children import tail
from seatrial.errors import EnvironmentFault, Failed
from seatrial.waiting import eventually

START_SECONDS = 30.0
"""How long its start may take; about 2 s on two busy cores."""
ORDER, LOG = "watchdog.order.json", "watchdog.log"
REMEDY = "run 'seatrial chaos heal'"
END_SECONDS = 30.0
"""How long it may take beyond its own bound to write what it did."""


@dataclass
class Watchdog:
    """A process in a session of its own: what a terminal sends to this one does not reach it."""

    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    """No other process has its writing end: it ends with this one."""
    folder: Path
    within_seconds: float

    @classmethod
    def start(cls, order: Order, folder: Path) -> Watchdog:
        """Start it; whoever goes on to do harm waits for it by :meth:`await_watching` first."""
        file, log = folder / ORDER, folder / LOG
        (folder / RESULT).unlink(missing_ok=True)
        order.write(file)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "seatrial.chaos.watchdog", str(file)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert process.stdin
        return cls(process, process.stdin, folder, order.within_seconds)

    def await_watching(self) -> None:
        """Return when it watches; raises EnvironmentFault when it does not, and then it is gone."""
        try:
            self._await_word()
        except BaseException:
            self.pipe.close()
            self.process.kill()  # nothing was done yet
            self.process.wait()
            raise

    def _await_word(self) -> None:
        log = self.folder / LOG
        try:
            eventually(
                lambda: (read_watch(self.folder / RESULT), self.process.poll()),
                until=lambda seen: seen[0] is not None or seen[1] is not None,
                within_seconds=START_SECONDS,
                what="the watchdog watches",
            )
        except Failed as error:
            raise EnvironmentFault(f"the watchdog did not start in {START_SECONDS:g} s:\n{tail(log)}") from error
        if self.process.poll() is not None:
            raise EnvironmentFault(f"the watchdog ended with {self.process.returncode}:\n{tail(log)}")

    def dismiss(self) -> None:
        """Say that all is put back; raises EnvironmentFault when nobody was there any more to hear it.

        One that never watched is gone already.
        """
        if self.pipe.closed:
            return
        try:
            with self.pipe as pipe:
                pipe.write(WORD)
        except BrokenPipeError as error:
            raise EnvironmentFault(f"the watchdog ended before the experiment did; see {self.folder / LOG}") from error
        self._await_end()

    def take_over(self) -> None:
        """Leave the rest to it, as if this process had been killed; raises EnvironmentFault when it could not heal."""
        self.pipe.close()
        self._await_end()
        watch = read_watch(self.folder / RESULT)
        if watch is None or watch.state is not State.HEALED:
            why = watch.missing if watch else "it told nothing"
            raise EnvironmentFault(f"the system is not healed: {why}; see {self.folder / RESULT}", remedy=REMEDY)

    def _await_end(self) -> None:
        try:
            self.process.wait(self.within_seconds + END_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFault(f"the watchdog does not end; see {self.folder / LOG}", remedy=REMEDY) from error
