"""The requests of a load over time, slice by slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.load.records import LoadRecord, LoadRequest

MOST_SLICES = 300
"""More than a picture can show."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The requests that began in one slice of time."""

    at: float
    """Its middle, in seconds from the first request."""
    per_second: float
    errors_per_second: Mapping[str, float]
    """By kind."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    """Of the successful ones; not a number when there is none."""


def slices(record: LoadRecord) -> tuple[Slice, ...]:
    """Cut a record into equal slices, of a second at least; a slice without requests is one, too."""
    if not record.requests:
        return ()
    first = record.requests[0].start
    width = max(1.0, (record.requests[-1].start - first) / MOST_SLICES)
    rows: dict[int, list[LoadRequest]] = {}
    for request in record.requests:
        rows.setdefault(int((request.start - first) / width), []).append(request)
    return tuple(_slice(LoadRecord(tuple(rows.get(number, ()))), number, width) for number in range(max(rows) + 1))


def _slice(record: LoadRecord, number: int, width: float) -> Slice:
    p50, p95, p99 = (1000 * each for each in record.quantiles(0.5, 0.95, 0.99))
    kinds = Counter(request.error for request in record.failed)
    errors = {kind: hits / width for kind, hits in kinds.items()}
    return Slice((number + 0.5) * width, len(record.requests) / width, errors, p50, p95, p99)
