"""Results of a load: every number from the raw records, nothing that is not a number, and a page that is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from seatrial.load.phases import Phase
from seatrial.load.records import LoadRecord, LoadRequest, read_records
from seatrial.load.results import LoadResult, write_results
from seatrial.report.load_page import load_page

SETTINGS = {"system": "shop <b>&</b> more", "users": 2, "journey": {"look": 4, "buy": 1}}
VERSIONS = {"locust": "2.47.0"}


def request(start: float, milliseconds: float, step: str = "look", error: str = "") -> LoadRequest:
    return LoadRequest(start, milliseconds / 1000, step, 0 if error else 200, error, "items-a")


RECORD = LoadRecord(
    (
        *(request(1000 + number, 10 * (number + 1)) for number in range(9)),
        request(1009.0, 5000, "buy", "ReadTimeout"),
        request(1013.5, 500, "buy"),
    )
)


def facts(record: LoadRecord = RECORD, **more: Any) -> dict[str, Any]:
    return LoadResult(record, SETTINGS, VERSIONS, **more).as_json()


def test_counts_rates_errors_and_quantiles_are_those_of_the_records() -> None:
    found = facts()
    assert (found["started"], found["start"], found["seconds"]) == ("1970-01-01T00:16:40.000+00:00", 1000, 14.0)
    assert found["all"] == {
        "requests": 11,
        "failed": 1,
        "success": pytest.approx(10 / 11),
        "per_second": pytest.approx(11 / 14),
        "errors": {"ReadTimeout": 1},
        "latency_ms": {"p50": 50.0, "p90": 90.0, "p95": 500.0, "p99": 500.0, "max": 500.0},
    }
    assert {name: (each["requests"], each["errors"]) for name, each in found["steps"].items()} == {
        "buy": (2, {"ReadTimeout": 1}),
        "look": (9, {}),
    }


def test_phases_are_told_when_they_are_known() -> None:
    assert facts()["phases"] == []
    found = facts(phases=(Phase("before", 1000, 1009, False), Phase("kill", 1009, 1013), Phase("after", 1013, 1014)))
    assert [(each["phase"], each["requests"], each["failed"], each["p99_ms"]) for each in found["phases"]] == [
        ("before", 9, 0, 90.0),
        ("kill", 1, 1, None),
        ("after", 1, 0, 500.0),
    ]


def test_a_load_without_a_request_has_no_numbers_but_is_json() -> None:
    found = facts(LoadRecord(()))
    assert (found["started"], found["start"], found["all"]["success"], found["all"]["per_second"]) == (None,) * 4
    assert set(found["all"]["latency_ms"].values()) == {None}
    json.dumps(found, allow_nan=False)


def test_what_is_written_is_the_records_the_sums_and_a_page_of_its_own(tmp_path: Path) -> None:
    result = LoadResult(RECORD, SETTINGS, VERSIONS, notes=("records are missing: worker-1",))
    write_results(tmp_path, result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load.csv.gz", "load.html", "load.json"]
    assert read_records(tmp_path / "load.csv.gz") == RECORD
    assert json.loads((tmp_path / "load.json").read_text()) == result.as_json()
    page = (tmp_path / "load.html").read_text()
    assert re.findall(r'(?:src|href)="([^"]{0,21})', page) == ["data:image/png;base64"]
    assert "shop &lt;b&gt;&amp;&lt;/b&gt; more" in page
    assert "<b>" not in page
    assert "records are missing: worker-1" in page
    assert "1 × ReadTimeout" in page
    assert "look × 4, buy × 1" in page
    assert "Phases" not in page


def test_the_page_has_the_phases_and_does_without_numbers(tmp_path: Path) -> None:
    write_results(tmp_path, LoadResult(RECORD, SETTINGS, VERSIONS, (Phase("kill", 1009, 1013),)))
    assert "<td>kill</td>" in (tmp_path / "load.html").read_text()
    write_results(tmp_path, LoadResult(LoadRecord(()), SETTINGS, VERSIONS))
    assert "0 requests in 0.0 s from –:\n– a second" in (tmp_path / "load.html").read_text()


def test_a_success_is_never_rounded_up_to_all() -> None:
    found = facts()
    for success, told in ((0.9999999, "99.999 %"), (1.0, "100 %"), (0.0, "0.000 %")):
        found["all"]["success"] = success
        assert f"({told} succeeded)" in load_page(found, b"")
