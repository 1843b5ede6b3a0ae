"""The requests of customers, one by one."""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TextIO

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

    @property
    def end(self) -> float:
        """When its answer was there, or it was given up; Unix seconds."""
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """Requests in order of their start."""

    requests: tuple[LoadRequest, ...]

    def between(self, start: float, end: float) -> LoadRecord:
        """Return those that began in a span of time."""
        return LoadRecord(tuple(request for request in self.requests if start <= request.start < end))

    def ended_by(self, moment: float) -> LoadRecord:
        """Return those that were over by then: one that was still under way may have met what happened then."""
        return LoadRecord(tuple(request for request in self.requests if request.end <= moment))

    def last(self, seconds: float) -> LoadRecord:
        """Return those that began in the last so many seconds before the last one did."""
        latest = max((request.start for request in self.requests), default=0.0)
        return self.between(latest - seconds, math.inf)

    @property
    def failed(self) -> tuple[LoadRequest, ...]:
        return tuple(request for request in self.requests if request.error)

    @property
    def success(self) -> float:
        """Ratio of requests that succeeded; not a number when there was none."""
        return 1 - len(self.failed) / len(self.requests) if self.requests else math.nan

    def quantile(self, q: float) -> float:
        """Return a quantile of the seconds of successful requests, by nearest rank; not a number when there is none."""
        return self.quantiles(q)[0]

    def quantiles(self, *wanted: float) -> tuple[float, ...]:
        """Return several of them."""
        times = sorted(request.seconds for request in self.requests if not request.error)
        return tuple(times[max(math.ceil(q * len(times)) - 1, 0)] if times else math.nan for q in wanted)

    def errors(self) -> Counter[str]:
        return Counter(f"{request.step}: {request.error}" for request in self.failed)

    def later(self, seconds: float) -> LoadRecord:
        """Return the same requests on a clock that is ahead by so much."""
        return LoadRecord(tuple(replace(request, start=request.start + seconds) for request in self.requests))


def merged(records: Iterable[LoadRecord]) -> LoadRecord:
    """Join the requests of several processes, in order of their start."""
    requests = (request for record in records for request in record.requests)
    return LoadRecord(tuple(sorted(requests, key=attrgetter("start"))))


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", newline="", encoding="utf-8")
    return path.open(newline="", encoding="utf-8")


def read_records(path: Path) -> LoadRecord:
    """Read what Locust's process wrote, packed by gzip or not; a last row that was cut off is left out."""
    with _opened(path) as file:
        requests = _requests(line for line in file if line.endswith("\n"))
        return LoadRecord(tuple(sorted(requests, key=attrgetter("start"))))


@dataclass
class Tail:
    """The requests that came since the last look at a file that grows; none while it is not there."""

    path: Path
    _taken: int = 0

    def new(self) -> tuple[LoadRequest, ...]:
        """Return them in the order in which they ended; a row that is not whole yet comes the next time."""
        if not self.path.exists():
            return ()
        with self.path.open("rb") as file:
            file.seek(self._taken)
            whole = file.read().rpartition(b"\n")
        self._taken += len(whole[0]) + len(whole[1])
        return tuple(_requests(whole[0].decode().splitlines()))


def _requests(lines: Iterable[str]) -> Iterator[LoadRequest]:
    for row in csv.reader(lines):
        if len(row) == len(COLUMNS) and tuple(row) != COLUMNS:
            start, seconds, step, status, error, served_by = row
            yield LoadRequest(float(start), float(seconds), step, int(status), error, served_by)


def write_records(path: Path, record: LoadRecord) -> None:
    """Write all requests as CSV, packed by gzip."""
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(astuple(request) for request in record.requests)
