"""Customers who read at the gateway at a steady rate, and a watch on what happens to its replicas meanwhile."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.flow import at_once
from seatrial.observe.records import Changes, Traffic, merge
from seatrial.observe.steady import load
from seatrial.observe.target import Target
from seatrial.observe.vantage import Run, Vantage
from seatrial.observe.watch import Watch
from seatrial.system import System

LONGEST_SECONDS = 300.0
"""Who is not told to stop does so by himself after this time."""


class Readers:
    """They read while this is entered, from every node its part, over kept connections."""

    def __init__(self, cluster: Cluster, system: System, vantages: Sequence[Vantage], target: Target) -> None:
        self._system = system
        self._vantages = vantages
        self._target = target
        self._watch = Watch(cluster, system.namespace)
        self._runs: list[Run] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._watch)
            stack.callback(self._abandon)
            at_once(self._begin, self._vantages)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def observe(self, seconds: float) -> None:
        """Go on for a while."""
        threading.Event().wait(seconds)

    def stop(self) -> tuple[Traffic, Changes]:
        """Read no more; return the requests of all nodes together, and what the watch has seen."""
        return merge(at_once(Run.stop, self._runs)), self._watch.changes()

    def _begin(self, vantage: Vantage) -> None:
        rate = self._system.tolerances.reads_per_second / len(self._vantages)
        count = math.ceil(rate * LONGEST_SECONDS)
        self._runs.append(load(self._system, vantage, self._target, count=count, rate_per_second=rate))

    def _abandon(self) -> None:
        with suppress(EnvironmentFault):
            at_once(Run.stop, self._runs)
