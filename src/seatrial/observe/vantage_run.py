"""Requests that an agent sends in the background, and how they are read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.observe.agent import POLL_SECONDS, Agent
from seatrial.observe.records import Request, Traffic

POLLS = 54
"""Enough polls for the longest run that an agent allows (960 s), and for its answer."""


@dataclass
class Run:
    """Requests under way; end it with :meth:`wait` or :meth:`stop`, which return the same when called again."""

    agent: Agent
    url: str
    fresh: bool
    id: str
    timed: bool = True
    """Whether times are brought onto this machine's clock: more calls to the agent than all else that is asked."""
    _traffic: Traffic | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def wait(self) -> Traffic:
        """Return the requests when all of them have ended."""
        with self._lock:
            if self._traffic is None:
                self._traffic = self._read()
            return self._traffic

    def stop(self) -> Traffic:
        """Send no more requests and return those that were sent; ends a :meth:`wait` of another thread, too."""
        self.agent.post(f"runs/{self.id}/stop", {})  # no harm to a run that has ended, or is forgotten
        return self.wait()

    def _read(self) -> Traffic:
        agent = self.agent
        for _ in range(POLLS):
            answer = agent.get(f"runs/{self.id}", wait_seconds=POLL_SECONDS)
            if answer["done"]:
                break
        agent.delete(f"runs/{self.id}")
        if not answer["done"] or answer["error"]:
            raise agent.fault(f"requests to {self.url}: {answer['error'] or 'the run does not end'}")
        requests = decode_requests(answer, agent.clock_offset_seconds() if self.timed else 0.0)
        return Traffic(node=agent.node, url=self.url, fresh=self.fresh, requests=requests)


def decode_requests(answer: Mapping[str, Any], offset_seconds: float) -> tuple[Request, ...]:
    """Turn an agent's rows into requests, with the offset added to their times."""
    replicas, columns = answer["replicas"], answer["columns"]
    scheduled, start, end, status, served_by, error = (columns.index(name) for name in Request.__slots__)
    return tuple(
        Request(
            scheduled=row[scheduled] + offset_seconds,
            start=row[start] + offset_seconds,
            end=row[end] + offset_seconds,
            status=row[status],
            served_by=replicas[row[served_by]],
            error=row[error],
        )
        for row in answer["rows"]
    )
