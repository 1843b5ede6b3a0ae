"""What a load showed, as JSON: counts, rates, errors and latencies, recomputed from the raw records."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.load.phases import Phase, attribute
from seatrial.load.records import LoadRecord, write_records
from seatrial.report.load_page import load_page
from seatrial.report.load_plot import load_plot

RECORDS, RESULTS, PAGE = "load.csv.gz", "load.json", "load.html"
"""Files of the results: the raw records, the sums, and the page."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True)
class LoadResult:
    """A load that is over, and all that is to be said about it."""

    record: LoadRecord
    settings: Mapping[str, Any]
    """What was asked for: users, seconds, workers, overlay, journey, …."""
    versions: Mapping[str, str]
    phases: tuple[Phase, ...] = ()
    """Of what happened meanwhile; none when nothing is known of it."""
    notes: tuple[str, ...] = ()
    """What a reader must know: a load that was interrupted, a worker that was lost."""

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``load.json``; what is not a number there is null."""
        first, last = span(self.record)
        started = datetime.fromtimestamp(first, UTC).isoformat(timespec="milliseconds") if first else None
        head = {"started": started, "start": first or None, "seconds": round(last - first, 3)}
        steps = {name: sums(record, last - first) for name, record in by_step(self.record).items()}
        phases = [asdict(each) for each in attribute(self.record, self.phases)]
        facts = {"settings": dict(self.settings), "versions": dict(self.versions), "notes": list(self.notes)}
        every = {**head, **facts, "all": sums(self.record, last - first), "steps": steps, "phases": phases}
        return {name: _plain(value) for name, value in every.items()}


def span(record: LoadRecord) -> tuple[float, float]:
    """Return when the first request began and the last one ended; zeros when there is none."""
    if not record.requests:
        return 0.0, 0.0
    return record.requests[0].start, max(request.end for request in record.requests)


def by_step(record: LoadRecord) -> dict[str, LoadRecord]:
    """Return the requests of each step, by name."""
    names = sorted({request.step for request in record.requests})
    return {name: LoadRecord(tuple(each for each in record.requests if each.step == name)) for name in names}


def sums(record: LoadRecord, seconds: float) -> dict[str, Any]:
    """Return counts, rate, errors by kind, and quantiles in milliseconds of the successful requests."""
    times = zip(QUANTILES, record.quantiles(*QUANTILES.values()), strict=True)
    return {
        "requests": len(record.requests),
        "failed": len(record.failed),
        "success": record.success,
        "per_second": len(record.requests) / seconds if seconds else math.nan,
        "errors": dict(Counter(request.error for request in record.failed).most_common()),
        "latency_ms": {name: round(1000 * value, 3) for name, value in times},
    }


def write_results(folder: Path, result: LoadResult) -> None:
    """Write records, sums and page into a folder."""
    write_records(folder / RECORDS, result.record)
    facts = result.as_json()
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / RESULTS).write_text(f"{text}\n", encoding="utf-8")
    (folder / PAGE).write_text(load_page(facts, load_plot(result.record, result.phases)), encoding="utf-8")


def _plain(value: Any) -> Any:
    """Return data in which every number is one: JSON knows no other."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
