"""Processes of this machine: whether a number still means the same one, and which belong to an experiment."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial.waiting import looks

PROC = Path("/proc")
EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: int
    """When it started, in the kernel's clock ticks since boot."""


def this_process() -> Process:
    """Return the process that asks."""
    return Process(os.getpid(), started(os.getpid()) or 0)


def started(pid: int) -> int | None:
    """Return when the process of this number started (proc(5), stat, field 22); None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])  # a name may hold blanks and brackets


def open_process(process: Process) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None when it has ended already."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if started(process.pid) != process.started:
        os.close(descriptor)
        return None
    return descriptor


def with_variable(name: str, value: str) -> list[int]:
    """Return the processes that were started with an environment variable of this value, whoever their parents were."""
    wanted, found = f"{name}={value}".encode(), []
    for path in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended meanwhile, or is another person's
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return sorted(found)


def naming(argument: str) -> list[int]:
    """Return the processes that were started with an argument."""
    wanted, found = argument.encode(), []
    for path in PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return sorted(found)


def stop_all(name: str, value: str, *, within_seconds: float) -> list[int]:
    """Interrupt an experiment, known by its environment, as Ctrl-C does, let it roll back, and kill what is left then.

    Returns the processes that there were. Only the leaders of groups are interrupted: they end their own children.
    """
    there = with_variable(name, value)
    for pid in there:
        with suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:
                os.kill(pid, signal.SIGINT)
    for _ in looks(within_seconds, EVERY_SECONDS):
        if not with_variable(name, value):
            return there
    for pid in with_variable(name, value):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return there
