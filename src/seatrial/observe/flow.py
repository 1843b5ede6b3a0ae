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


class Sending:
    """Requests from several agents to several services while it is entered; how they begin is its maker's business."""

    def __init__(
        self, services: Sequence[Service], vantages: Sequence[Vantage], begin: Callable[[Service, Vantage], Run]
    ) -> None:
        self._pairs = [(service, vantage) for service in services for vantage in vantages]
        self._begin = begin
        self._runs: dict[str, list[Run]] = {service.name: [] for service in services}
        self._traffic: dict[str, Traffic] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._abandon)
            at_once(self._note, self._pairs)
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    def stop(self) -> Mapping[str, Traffic]:
        """End it and return the requests by service, of all agents together."""
        if not self._traffic:
            names = [name for name, runs in self._runs.items() for _ in runs]
            stopped = at_once(Run.stop, [run for runs in self._runs.values() for run in runs])
            for name in self._runs:
                self._traffic[name] = merge(run for owner, run in zip(names, stopped, strict=True) if owner == name)
        return self._traffic

    def _note(self, pair: tuple[Service, Vantage]) -> None:
        service, vantage = pair
        run = self._begin(service, vantage)
        self._runs[service.name].append(run)  # noted at once: it must be stopped even when another does not start

    def _abandon(self) -> None:
        with suppress(EnvironmentFault):
            self.stop()


class Flow:
    """Sends while it is entered. Fresh connections, open loop, each node sends its part of the rate.

    ``urls`` gives, by service, what is asked instead of its identity path by its name; ``services`` who is asked, when
    it is not all of them.
    """

    def __init__(
        self,
        cluster: Cluster,
        system: System,
        vantages: Sequence[Vantage],
        urls: Mapping[str, str] | None = None,
        *,
        services: Sequence[Service] = (),
    ) -> None:
        self.cluster = cluster
        self.system = system
        self.services = tuple(services) or system.services
        self._sending = Sending(self.services, vantages, self._begin)
        self._share = len(vantages)
        self._urls = {service.name: system.url(service) for service in self.services} | dict(urls or {})
        self._changes: Changes | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._watch = stack.enter_context(Watch(self.cluster, self.system.namespace))
            stack.enter_context(self._sending)
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
        traffic = self._sending.stop()
        self._changes = self._changes or self._watch.changes()
        return traffic

    def _begin(self, service: Service, vantage: Vantage) -> Run:
        return vantage.start(
            self._urls[service.name],
            rate_per_second=self.system.tolerances.rate_per_second / self._share,
            duration_seconds=LONGEST_SECONDS,
            identity_header=self.system.identity.header,
            timeout_seconds=self.system.tolerances.request_timeout_seconds,
        )


def at_once(act: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """Do the same to each subject at the same time, and return the results in order; the first error is raised."""
    listed = list(subjects)
    with ThreadPoolExecutor(max_workers=max(len(listed), 1)) as pool:
        return list(pool.map(act, listed))
