"""Keeping a lease alive from the runner's own process: it ends with it, however that ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from seatrial.chaos.deadman_objects import NAMESPACE, RELEASED, DeadMan, micro_time
from seatrial.chaos.undo_records import MERGE
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault

RENEWALS = 5
"""Renewals in one lease duration: some may fail."""
ANSWER_SECONDS = 3.0
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


@dataclass
class Renewal:
    """A thread that renews one lease. A thread dies with its process, also by SIGKILL; a child process would not."""

    cluster: Cluster
    man: DeadMan
    longest_gap_seconds: float = 0.0
    """Longest time between two renewals."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to renew."""
        self._thread = threading.Thread(target=self._renew, name=f"lease {self.man.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; returns when the thread is gone, if there was one."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _renew(self) -> None:
        cluster, last = self.cluster.another(), time.monotonic()
        while not self._ended.wait(self.man.lease_seconds / RENEWALS):
            try:
                patch_lease(cluster, self.man.name, {"spec": {"renewTime": micro_time(datetime.now(UTC))}})
            except EnvironmentFault:
                continue  # the dead man, too, cannot ask an API server that does not answer
            now = time.monotonic()
            self.longest_gap_seconds, last = max(self.longest_gap_seconds, now - last), now


def release(cluster: Cluster, name: str) -> None:
    """Tell the dead man that all is well: it ends and does nothing."""
    patch_lease(cluster, name, {"metadata": {"annotations": {RELEASED: micro_time(datetime.now(UTC))}}})


def patch_lease(cluster: Cluster, name: str, body: dict[str, Any]) -> None:
    """Change the lease; raises EnvironmentFault when that does not succeed."""
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.patch(f"{LEASES}/{name}", json=body, headers={"Content-Type": MERGE})
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"lease {name} cannot be changed: {error!r}") from error
    if not answer.is_success:
        raise EnvironmentFault(f"lease {name} cannot be changed: HTTP {answer.status_code} {answer.text[:200]}")


def annotations_of(cluster: Cluster, name: str) -> dict[str, str]:
    """Return what the lease says beside its term: what the dead man wrote; empty when there is no lease."""
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.get(f"{LEASES}/{name}")
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"lease {name} cannot be read: {error!r}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return {}
    if not answer.is_success:
        raise EnvironmentFault(f"lease {name} cannot be read: HTTP {answer.status_code} {answer.text[:200]}")
    return dict(answer.json()["metadata"].get("annotations") or {})
