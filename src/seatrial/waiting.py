"""Waiting on conditions, always with a bound, and with a message that says what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from seatrial.errors import EnvironmentFault, Failed, Failure

T = TypeVar("T")
EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that never goes back, in seconds, and the sleep that goes with it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


MONOTONIC = Clock()


def eventually(
    probe: Callable[[], T],
    *,
    until: Callable[[T], bool],
    within_seconds: float,
    what: str,
    expected: str = "to hold",
    every_seconds: float = EVERY_SECONDS,
    clock: Clock = MONOTONIC,
) -> T:
    """Return the first value that is accepted; the last look is made when the bound is over.

    Raises Failed with the value seen last. An EnvironmentFault of the probe is waited out; it is raised when the
    bound is over and no value was ever seen.
    """
    values: list[T] = []
    error: EnvironmentFault | None = None
    attempts = 0
    for _ in looks(within_seconds, every_seconds, clock):
        attempts += 1
        try:
            value, error = probe(), None
        except EnvironmentFault as fault:
            error = fault
            continue
        if until(value):
            return value
        values = [value]
    if error is not None and not values:
        raise error
    details = [f"{attempts} {'look' if attempts == 1 else 'looks'}, {every_seconds:g} s apart"]
    details += [f"the last look failed: {error}"] if error else []
    raise Failed(Failure(what, f"{expected} within {within_seconds:g} s", f"{values[-1]!r}", tuple(details)))


def look_until(
    probe: Callable[[], T],
    *,
    until: Callable[[T], bool],
    within_seconds: float,
    every_seconds: float = EVERY_SECONDS,
    clock: Clock = MONOTONIC,
) -> T:
    """Return the first value that is accepted, else the last one when the bound is over: whoever asks will judge it.

    What the probe raises is raised at once.
    """
    for _ in looks(within_seconds, every_seconds, clock):
        value = probe()
        if until(value):
            break
    return value


def consistently(
    probe: Callable[[], T],
    *,
    holds: Callable[[T], bool],
    for_seconds: float,
    what: str,
    expected: str = "to hold",
    every_seconds: float = EVERY_SECONDS,
    clock: Clock = MONOTONIC,
) -> T:
    """Return the last value when every one was accepted; raises Failed at the first that is not.

    An EnvironmentFault of the probe is raised at once: what was not seen is not known to have held.
    """
    began = clock.now()
    for look, _ in enumerate(looks(for_seconds, every_seconds, clock), start=1):
        value = probe()
        if not holds(value):
            after = f"{value!r} after {clock.now() - began:.1f} s"
            raise Failed(Failure(what, f"{expected} for {for_seconds:g} s", after, (f"look {look}",)))
    return value


def looks(bound_seconds: float, every_seconds: float, clock: Clock = MONOTONIC) -> Iterator[None]:
    """Yield now, then every so often, and for the last time when the bound (seconds) is over."""
    deadline = clock.now() + bound_seconds
    while True:
        begun = clock.now()
        yield
        if begun >= deadline:
            return
        clock.sleep(max(0.0, min(every_seconds, deadline - clock.now())))
