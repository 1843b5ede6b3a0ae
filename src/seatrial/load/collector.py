"""Takes the raw records of all workers while they work: what was taken is safe, whatever becomes of a worker.

Every second the rows that are new are read through the API server's pod proxy, and kept in a file for each worker. An
``exec`` or the log would not do: large copies break off, and a node keeps only the last ten megabytes of a log.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from seatrial.errors import EnvironmentFault
from seatrial.load.records import LoadRecord, merged, read_records
from seatrial.observe.agent import Agent
from seatrial.observe.flow import at_once

EVERY_SECONDS = 1.0


@dataclass
class Source:
    """One worker, and how much of its records is here."""

    agent: Agent
    file: Path
    offset_seconds: float
    """What to add to its times to have them on this machine's clock."""
    taken: int = 0
    """Bytes."""
    running: bool = True
    trouble: str = ""
    """Why the last look failed; empty when it did not."""

    def take(self) -> None:
        """Take the rows that are new; trouble is noted, and may be over at the next look."""
        try:
            while self.running and self._take_some():
                pass
            self.trouble = ""
        except EnvironmentFault as error:
            self.trouble = error.what

    def _take_some(self) -> bool:
        """Take what fits into one answer; tell whether there was anything."""
        got = self.agent.get("rows", offset=self.taken)
        if got["text"]:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(got["text"])
            self.taken = got["next"]
        self.running = bool(got["text"]) or got["running"]
        return bool(got["text"])

    def record(self) -> LoadRecord:
        """Return the requests that are here."""
        return read_records(self.file).later(self.offset_seconds) if self.file.exists() else LoadRecord(())


class Collector:
    """Reads in the background from entering on, until it is left."""

    def __init__(self, agents: Sequence[Agent], folder: Path) -> None:
        """Prepare; raises EnvironmentFault when a worker does not tell its time."""
        self.sources = [Source(each, folder / f"{each.pod}.csv", each.clock_offset_seconds()) for each in agents]
        self.over = threading.Event()
        """Set when no worker works any more and all records are here."""
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Self:
        for source in self.sources:
            source.file.unlink(missing_ok=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def has_ended(self, agent: Agent) -> bool:
        """Tell whether what an agent stands beside is known to have ended."""
        return any(not source.running for source in self.sources if source.agent is agent)

    def record(self) -> LoadRecord:
        """Return the requests of all workers up to now."""
        return merged(source.record() for source in self.sources)

    def lost(self) -> tuple[str, ...]:
        """Return what is known of each worker whose records are not all here."""
        return tuple(each.trouble or f"{each.agent.pod} still works" for each in self.sources if each.running)

    def _go_on(self) -> None:
        while not self._left.is_set() and not self.over.is_set():
            at_once(Source.take, self.sources)  # one that hangs keeps no other one waiting
            if not any(source.running for source in self.sources):
                self.over.set()
            self._left.wait(EVERY_SECONDS)
