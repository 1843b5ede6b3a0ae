"""The watchdog of one experiment's runner: ``python -m seatrial.chaos.watchdog ORDER``, started before the fault.

It holds the reading end of a pipe as its standard input. The runner says a word when all is put back; when the pipe
ends without it, or the runner's process does, the watchdog stops the experiment, puts back what the log names, heals
whatever else it finds, proves that the system is steady, and tells all of it in a file beside the log.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from seatrial.chaos.deadman import fail_on_reverts, failures, remove, told_by
from seatrial.chaos.heal import heal
from seatrial.chaos.processes import Process, open_process, stop_all
from seatrial.chaos.steady import prove_steady
from seatrial.chaos.surroundings import UNDO
from seatrial.chaos.undo import revert
from seatrial.chaos.watch_order import RESULT, WORD, Order, State, Watch
from seatrial.errors import EnvironmentFault, Failed, GuardRefusal

STOP_SHARE = 1 / 3
"""Share of the bound that the experiment may take for its own rollbacks."""
REVERT_SHARE = 1 / 8
"""Share of the bound that is tried again what the log names and fails, and then what is found beside it."""
LAST_LOOK_SECONDS = 10.0
"""What the bound is exceeded by before everything is cut off: who proves that the system is steady begins his last look
within it, and tells what is missing then."""
UNHINDERED = (signal.SIGINT, signal.SIGHUP)
"""What a terminal sends to everybody when a person presses Ctrl-C or closes it."""


def main(order_file: str) -> int:
    """Watch, and heal when it must be; 0 when nothing was to be done or all of it was, 1 otherwise."""
    for number in UNHINDERED:
        signal.signal(number, signal.SIG_IGN)
    order, result = Order.read(Path(order_file)), Path(order_file).with_name(RESULT)
    watch = Watch(State.WATCHING, os.getpid(), order.runner.pid)
    watch.write(result)
    if is_dismissed(order.runner, sys.stdin.fileno()):
        watch.now(state=State.DISMISSED, ended_at=time.time()).write(result)
        return 0
    watch = watch.now(state=State.HEALING, gone_at=time.time())
    watch.write(result)
    for latest in heal_after(order, watch):
        latest.write(result)
    return 0 if latest.state is State.HEALED else 1


def is_dismissed(runner: Process, pipe: int) -> bool:
    """Wait for the runner's word or for its end; tell whether the word was said."""
    ended, poll, said = open_process(runner), select.poll(), b""
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    if ended is not None:
        poll.register(ended, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll(0 if ended is None else None)]
        if pipe not in ready:  # what a process said before its end is read before its end is believed
            return False
        chunk = os.read(pipe, 64)
        said += chunk
        if WORD in said or not chunk:
            return WORD in said


def heal_after(order: Order, watch: Watch) -> Iterator[Watch]:
    """Do all that is to be done after the runner's end, and yield how things stand after each part of it."""
    latest, deadline = watch, time.monotonic() + order.within_seconds
    try:
        with bounded(order.within_seconds + LAST_LOOK_SECONDS):
            for latest in _heal(order, watch, deadline):
                yield latest
        yield latest.now(state=State.HEALED, ended_at=time.time())
    except (EnvironmentFault, GuardRefusal, Failed, TimeoutError) as error:
        yield latest.now(state=State.NOT_HEALED, ended_at=time.time(), missing=str(error))


def _heal(order: Order, watch: Watch, deadline: float) -> Iterator[Watch]:
    cluster, system, share = order.cluster, order.described_system(), order.within_seconds * REVERT_SHARE
    stopped = stop_all(UNDO, order.undo, within_seconds=order.within_seconds * STOP_SHARE)
    yield (watch := watch.now(stopped=tuple(stopped)))
    reverted = revert(cluster, Path(order.undo), within_seconds=share)
    yield (watch := watch.now(reverted=tuple(map(str, reverted))))
    healing = heal(cluster, system, within_seconds=share)
    yield (watch := watch.now(healed=tuple(map(str, healing.done))))
    if failures(reverted):  # a node that healing brought back may have been what hindered it
        reverted = revert(cluster, Path(order.undo), within_seconds=share)
        yield (watch := watch.now(reverted=tuple(map(str, reverted))))
    fail_on_reverts(reverted)
    # before the proof, which may take minutes: a dead man who has acted by then would count as left behind himself
    yield (watch := watch.now(dead_man=told_by(cluster, order.dead_man)))
    remove(cluster, order.dead_man)
    prove_steady(cluster, system, max(0.0, deadline - time.monotonic()))


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in this, the main thread, when the bound is over, whatever it waits for."""

    def expire(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
