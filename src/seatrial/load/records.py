"""The requests of customers, one by one."""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("start", "seconds", "step", "status", "error", "served_by")


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One request of a customer."""

    start: float
    """Unix seconds."""
    seconds: float
    step: str
    status: int
    """HTTP status, 0 when there was no answer."""
    error: str
    """Empty for the declared status."""
    served_by: str


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """Requests in order of their start."""

    requests: tuple[LoadRequest, ...]

    def between(self, start: float, end: float) -> LoadRecord:
        """Return those that began in a span of time."""
        return LoadRecord(tuple(request for request in self.requests if start <= request.start < end))

    @property
    def failed(self) -> tuple[LoadRequest, ...]:
        return tuple(request for request in self.requests if request.error)

    @property
    def success(self) -> float:
        """Ratio of requests that succeeded; not a number when there was none."""
        return 1 - len(self.failed) / len(self.requests) if self.requests else math.nan

    def quantile(self, q: float) -> float:
        """Return a quantile of the seconds of successful requests, by nearest rank; not a number when there is none."""
        times = sorted(request.seconds for request in self.requests if not request.error)
        return times[max(math.ceil(q * len(times)) - 1, 0)] if times else math.nan

    def errors(self) -> Counter[str]:
        return Counter(f"{request.step}: {request.error}" for request in self.failed)


def read_records(path: Path) -> LoadRecord:
    """Read what Locust's process wrote; a last row that was cut off is left out."""
    with path.open(newline="", encoding="utf-8") as file:
        whole = (line for line in file if line.endswith("\n"))
        rows = [row for row in csv.reader(whole) if len(row) == len(COLUMNS)][1:]
    requests = (
        LoadRequest(float(start), float(seconds), step, int(status), error, served_by)
        for start, seconds, step, status, error, served_by in rows
    )
    return LoadRecord(tuple(sorted(requests, key=lambda request: request.start)))
