"""The ledger of a run: every harm that was permitted, so that the next one is judged by the sum of all.

A file of JSON lines, because the actions of one run may be in several threads and processes; it is evidence, too.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO

from seatrial.errors import GuardRefusal


@dataclass(frozen=True, slots=True)
class Harmed:
    """One pod as it was when harm to it was permitted."""

    name: str
    workload: str
    restarts: int


@dataclass(frozen=True)
class Done:
    """What a run was permitted so far."""

    pods: Mapping[str, Harmed] = field(default_factory=dict)
    """Each pod by its UID, as it was at first."""
    nodes: frozenset[str] = frozenset()
    ready: Mapping[str, int] = field(default_factory=dict)
    """Ready replicas of each workload when the run first asked about it."""


NOTHING = Done()


@dataclass
class Ledger:
    """An open ledger that nobody else writes to meanwhile."""

    done: Done
    _file: IO[str] | None = None

    def add(self, pods: Mapping[str, Harmed], nodes: Sequence[str], ready: Mapping[str, int]) -> None:
        """Write one permitted harm, to the disk before it is done."""
        if self._file is None:
            return
        told = {uid: asdict(pod) for uid, pod in pods.items()}
        entry = {"at": time.time(), "pods": told, "nodes": list(nodes), "ready": dict(ready)}
        self._file.write(f"{json.dumps(entry)}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def open_ledger(path: str | None) -> Iterator[Ledger]:
    """Open a ledger for one decision; without a path it is empty and keeps nothing.

    Raises GuardRefusal when it cannot be read or written: what was done already would be forgotten.
    """
    if path is None:
        yield Ledger(NOTHING)
        return
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: PTH123, SIM115
    except OSError as error:
        raise GuardRefusal(f"the ledger {path} cannot be opened: {error.strerror}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            done = done_of(file.read())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GuardRefusal(f"the ledger {path} cannot be read: {error!r}") from error
        yield Ledger(done, file)


def done_of(text: str) -> Done:
    """Return the sum of a ledger's lines."""
    pods: dict[str, Harmed] = {}
    nodes: set[str] = set()
    ready: dict[str, int] = {}
    for line in text.splitlines():
        entry = json.loads(line)
        pods = {uid: Harmed(**pod) for uid, pod in entry["pods"].items()} | pods
        nodes |= set(entry["nodes"])
        ready = entry["ready"] | ready
    return Done(pods, frozenset(nodes), ready)
