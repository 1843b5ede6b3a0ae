"""The record of customers' requests: read, cut into spans, and counted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from seatrial.load.records import COLUMNS, LoadRecord, LoadRequest, read_records

HEAD = ",".join(COLUMNS) + "\r\n"


def request(start: float, seconds: float = 0.1, step: str = "buy", error: str = "") -> LoadRequest:
    return LoadRequest(start, seconds, step, 0 if error else 200, error, "" if error else "auth-1")


def record(*requests: LoadRequest) -> LoadRecord:
    return LoadRecord(requests)


def read(tmp_path: Path, text: str) -> LoadRecord:
    file = tmp_path / "load.csv"
    file.write_bytes(text.encode())
    return read_records(file)


def test_rows_are_read_in_order_of_their_start(tmp_path: Path) -> None:
    text = HEAD + '12.5,0.25,"look, then ""buy""",202,,auth-1\r\n12.0,5.0,log in,0,ConnectTimeout,\r\n'
    assert read(tmp_path, text).requests == (
        LoadRequest(12.0, 5.0, "log in", 0, "ConnectTimeout", ""),
        LoadRequest(12.5, 0.25, 'look, then "buy"', 202, "", "auth-1"),
    )


@pytest.mark.parametrize("cut", ["12.", "12.0,0.1,b", "12.0,0.1,buy,20", "12.0,0.1,buy,200,,", "12.0,0.1,buy,200,,au"])
def test_a_last_row_that_is_cut_off_is_left_out(tmp_path: Path, cut: str) -> None:
    assert len(read(tmp_path, HEAD + "11.0,0.1,buy,200,,auth-1\r\n" + cut).requests) == 1


@pytest.mark.parametrize("text", ["", "start,sec", HEAD])
def test_a_file_without_rows_is_an_empty_record(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == LoadRecord(())


def test_a_span_begins_with_its_start_and_ends_before_its_end() -> None:
    whole = record(*(request(at) for at in (1.0, 2.0, 3.0, 4.0)))
    assert [each.start for each in whole.between(2.0, 4.0).requests] == [2.0, 3.0]


def test_what_is_still_under_way_is_not_over() -> None:
    whole = record(LoadRequest(1.0, 0.5, "look", 200, "", "auth-1"), LoadRequest(1.8, 0.5, "look", 502, "HTTP 502", ""))
    assert [each.start for each in whole.ended_by(2.0).requests] == [1.0]
    assert whole.ended_by(2.0).success == 1.0


def test_success_counts_every_request() -> None:
    assert record(request(1), request(2), request(3), request(4, error="HTTP 503")).success == 0.75


def test_an_empty_record_has_neither_success_nor_a_quantile() -> None:
    assert math.isnan(record().success)
    assert math.isnan(record().quantile(0.5))
    assert math.isnan(record(request(1, error="HTTP 503")).quantile(0.5))


@pytest.mark.parametrize(("q", "seconds"), [(0.0, 0.1), (0.25, 0.1), (0.5, 0.2), (0.51, 0.3), (1.0, 0.4)])
def test_a_quantile_is_a_time_that_was_seen(q: float, seconds: float) -> None:
    assert record(*(request(1, each) for each in (0.4, 0.2, 0.1, 0.3))).quantile(q) == seconds


def test_failed_requests_do_not_count_in_a_quantile() -> None:
    assert record(request(1, 0.1), request(2, 5.0, error="ReadTimeout")).quantile(1.0) == 0.1


def test_errors_are_counted_by_step_and_kind() -> None:
    failed = [request(1, error="HTTP 503"), request(2, error="HTTP 503"), request(3, step="look", error="ReadTimeout")]
    assert record(*failed, request(4)).errors() == {"buy: HTTP 503": 2, "look: ReadTimeout": 1}
