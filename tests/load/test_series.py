"""A load over time, slice by slice."""

from __future__ import annotations

import math

from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.load.series import MOST_SLICES, slices


def record(*starts: float, error: str = "") -> LoadRecord:
    return LoadRecord(tuple(LoadRequest(start, 0.02, "look", 0 if error else 200, error, "") for start in starts))


def test_a_slice_is_a_second_and_one_without_requests_is_one_too() -> None:
    first, empty, last = slices(record(100.0, 100.9, 102.5))
    assert [(each.at, each.per_second) for each in (first, empty, last)] == [(0.5, 2.0), (1.5, 0.0), (2.5, 1.0)]
    assert (first.p50_ms, first.p99_ms, math.isnan(empty.p50_ms)) == (20.0, 20.0, True)


def test_errors_are_told_by_kind_and_have_no_latency() -> None:
    (only,) = slices(record(100.0, 100.1, error="reset"))
    assert only.errors_per_second == {"reset": 2.0}
    assert math.isnan(only.p95_ms)


def test_a_long_load_has_wider_slices_and_loses_no_request() -> None:
    long = record(*range(0, 3600, 2))
    found = slices(long)
    width = found[1].at - found[0].at
    assert len(found) <= MOST_SLICES + 1
    assert round(sum(each.per_second * width for each in found)) == len(long.requests)


def test_nothing_has_no_slices() -> None:
    assert slices(record()) == ()
