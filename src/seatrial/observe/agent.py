"""The wire between here and one vantage agent: JSON through the API server's pod proxy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from seatrial.errors import EnvironmentFault

PORT = 9090
CLOCK_SAMPLES = 5
POLL_SECONDS = 20
"""One long poll of a run; the agent allows 25."""


@dataclass(frozen=True)
class Agent:
    """One agent. Everything raises EnvironmentFault, with node and pod, unless the agent itself answers 200."""

    node: str
    namespace: str
    pod: str
    http: httpx.Client = field(repr=False)
    """Client of the API server; its timeout must exceed the longest poll."""
    kind: str = "vantage"
    """What it is called in errors."""

    def get(self, path: str, **query: Any) -> Any:
        """Return the decoded answer to GET."""
        return self._send("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the decoded answer to POST of a JSON object."""
        return self._send("POST", path, json=body)

    def delete(self, path: str) -> None:
        """Send DELETE."""
        self._send("DELETE", path)

    def clock_offset_seconds(self) -> float:
        """Return what to add to the agent's times to have them on this machine's clock, measured anew."""
        return offset_seconds(self._clock_sample() for _ in range(CLOCK_SAMPLES))

    def fault(self, what: str) -> EnvironmentFault:
        """Return the error to raise when this agent is of no use."""
        return EnvironmentFault(f"{self.kind} on node {self.node} (pod {self.namespace}/{self.pod}): {what}")

    def _clock_sample(self) -> tuple[float, float, float]:
        sent = time.time()
        there = self.get("healthz")["now"]
        return sent, there, time.time()

    def _send(self, method: str, path: str, **content: Any) -> Any:
        where = f"/api/v1/namespaces/{self.namespace}/pods/http:{self.pod}:{PORT}/proxy/{path}"
        try:
            answer = self.http.request(method, where, **content)
        except httpx.HTTPError as error:
            raise self.fault(f"{method} /{path}: no answer: {str(error) or type(error).__name__}") from error
        if answer.status_code != 200:
            raise self.fault(f"{method} /{path}: HTTP {answer.status_code}: {_words(answer)}")
        try:
            return answer.json()
        except ValueError as error:
            raise self.fault(f"{method} /{path}: the answer is no JSON: {answer.text[:80]!r}") from error


def offset_seconds(samples: Iterable[tuple[float, float, float]]) -> float:
    """Return the clock offset from (sent here, read there, received here), by the sample of the shortest round trip.

    The moment of reading lies somewhere within the round trip, so the estimate is wrong by at most half of it. An
    offset within that error is none: clocks of nodes on one machine are the same clock.
    """
    sent, there, received = min(samples, key=lambda sample: sample[2] - sample[0])
    offset = (sent + received) / 2 - there
    return offset if abs(offset) > (received - sent) / 2 else 0.0


def _words(answer: httpx.Response) -> str:
    """The agent's ``error``, the API server's ``message``, or the text."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if isinstance(content, dict):
        found = content.get("error") or content.get("message")
        if found:
            return str(found)
    return answer.text.strip()[:200]
