"""A steady flow of requests from every node to every service, and a watch on what happens meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self, TypeVar

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import Changes, Traffic, merge
from seatrial.observe.vantage import Run, Vantage
from seatrial.observe.watch import Watch
from seatrial.system import Service, System

LONGEST_SECONDS = 600.0
"""A flow that nobody stops ends by itself after this time."""
POLL_SECONDS = 0.2

T = TypeVar("T")
R = TypeVar("R")


class Flow:
    """Sends while it is entered. Fresh connections, open loop, each node sends its part of the rate.

    ``urls`` gives, by service, what is asked instead of its identity path by its name.
    """

    def __init__(
        self, cluster: Cluster, system: System, vantages: Sequence[Vantage], urls: Mapping[str, str] | None = None
    ) -> None:
        self.cluster = cluster
        self.system = system
        self._vantages = vantages
        self._urls = {service.name: system.url(service) for service in system.services} | dict(urls or {})
        self._runs: dict[str, list[Run]] = {service.name: [] for service in system.services}
        self._traffic: dict[str, Traffic] = {}
        self._changes: Changes | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._watch = stack.enter_context(Watch(self.cluster, self.system.namespace))
            stack.callback(self._abandon)
            pairs = [(service, vantage) for service in self.system.services for vantage in self._vantages]
            at_once(self._begin, pairs)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def observe(self, seconds: float) -> None:
        """Go on for a while."""
        threading.Event().wait(seconds)

    def observe_until(self, is_over: Callable[[], bool], *, within_seconds: float) -> bool:
        """Go on until something is the case; false when it is not within the bound."""
        deadline = time.monotonic() + within_seconds
        while not is_over():
            if time.monotonic() > deadline:
                return False
            self.observe(POLL_SECONDS)
        return True

    def changes(self) -> Changes:
        """Return what the watch has seen so far."""
        return self._changes or self._watch.changes()

    def stop(self) -> Mapping[str, Traffic]:
        """End the flow and return the requests by service, of all nodes together."""
        if not self._traffic:
            names = [name for name, runs in self._runs.items() for _ in runs]
            stopped = at_once(Run.stop, [run for runs in self._runs.values() for run in runs])
            self._changes = self._watch.changes()
            for name in self._runs:
                self._traffic[name] = merge(run for owner, run in zip(names, stopped, strict=True) if owner == name)
        return self._traffic

    def _begin(self, pair: tuple[Service, Vantage]) -> None:
        service, vantage = pair
        run = vantage.start(
            self._urls[service.name],
            rate_per_second=self.system.tolerances.rate_per_second / len(self._vantages),
            duration_seconds=LONGEST_SECONDS,
            identity_header=self.system.identity.header,
            timeout_seconds=self.system.tolerances.request_timeout_seconds,
        )
        self._runs[service.name].append(run)  # noted at once: it must be stopped even when another does not start

    def _abandon(self) -> None:
        with suppress(EnvironmentFault):
            self.stop()


def at_once(act: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """Do the same to each subject at the same time, and return the results in order; the first error is raised."""
    listed = list(subjects)
    with ThreadPoolExecutor(max_workers=max(len(listed), 1)) as pool:
        return list(pool.map(act, listed))
