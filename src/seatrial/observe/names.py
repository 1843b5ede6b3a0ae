"""Names that are asked for over and over, on every node, while something happens to those who answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_service
from seatrial.observe.vantage import Vantage
from seatrial.system import System

PACE_SECONDS = 1.0
"""Between two questions for one name on one node: few enough to leave the cores to those who answer."""
PATIENCE_SECONDS = 8.0
"""Of one question: a resolver waits five seconds for a server, and asks again then (resolv.conf(5))."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and what became of it."""

    at: float
    """When it was asked, in Unix seconds."""
    node: str
    name: str
    rcode: str
    """As in :class:`DnsAnswer`."""
    answered: bool
    """True when there was an address in the answer."""
    seconds: float

    @property
    def ended(self) -> float:
        return self.at + self.seconds


class Questions:
    """Asks while it is entered: every name, on every node, each in a thread of its own."""

    def __init__(self, vantages: Sequence[Vantage], names: Sequence[str], pace_seconds: float = PACE_SECONDS) -> None:
        self._pairs = [(vantage, name) for vantage in vantages for name in names]
        self._pace_seconds = pace_seconds
        self._asked: list[Asked] = []
        self._faults: list[EnvironmentFault] = []
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._follow, args=pair, daemon=True) for pair in self._pairs]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def observe(self, seconds: float) -> None:
        """Go on for a while."""
        self._stopped.wait(seconds)

    def stop(self) -> tuple[Asked, ...]:
        """Ask no more and return all questions, in order of time; raises EnvironmentFault when an agent was lost."""
        self._end()
        if self._faults:
            raise self._faults[0]
        return tuple(sorted(self._asked, key=lambda each: each.at))

    def _end(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)

    def _follow(self, vantage: Vantage, name: str) -> None:
        while not self._stopped.is_set():
            at = time.time()
            try:
                answer = vantage.resolve(name, timeout_seconds=PATIENCE_SECONDS)
            except EnvironmentFault as fault:
                self._faults.append(fault)
                return
            found = bool(answer.addresses())
            self._asked.append(Asked(at, vantage.node, name, answer.rcode, found, answer.seconds))
            self._stopped.wait(self._pace_seconds)


def absolute_names(system: System) -> list[str]:
    """Return the name of every service, with the dot that keeps the search list out."""
    return [f"{system.host(service)}." for service in system.services]


def urls_by_address(cluster: Cluster, system: System) -> dict[str, str]:
    """Return, for every service, the URL of its identity path by its address, for which nobody needs a name.

    Raises EnvironmentFault where a service has no address of its own.
    """
    urls = {}
    for service in system.services:
        view = observe_service(cluster, system.namespace, service.service)
        if view is None or view.headless:
            raise EnvironmentFault(f"Service {system.namespace}/{service.service} has no address of its own")
        host = f"[{view.cluster_ip}]" if ":" in view.cluster_ip else view.cluster_ip
        urls[service.name] = f"http://{host}:{service.port}{service.identity_path}"
    return urls
