"""Waiting on conditions, with a bound, and a message that says what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from seatrial.errors import EnvironmentFault, Failed, Failure

T = TypeVar("T")


def eventually(
    probe: Callable[[], T], *, until: Callable[[T], bool], within_seconds: float, what: str, every_seconds: float = 0.2
) -> T:
    """Return the first value that is accepted; raises Failed with the last one seen when the bound is over."""
    deadline = time.monotonic() + within_seconds
    attempts, seen = 0, "nothing"
    while True:
        attempts += 1
        try:
            value = probe()
            if until(value):
                return value
            seen = repr(value)
        except EnvironmentFault as error:
            seen = str(error)
        if time.monotonic() >= deadline:
            raise Failed(Failure(what, f"within {within_seconds:g} s", f"{seen} after {attempts} attempts"))
        time.sleep(every_seconds)
