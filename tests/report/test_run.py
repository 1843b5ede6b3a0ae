"""The record of a run, and ``summary.json``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.errors import Verdict
from seatrial.report.run import RunRecord, ScenarioResult, write_summary


def result(name: str, verdict: str, *criteria: str, reason: str = "") -> ScenarioResult:
    return ScenarioResult(f"features/a.feature::test_{name}", name, criteria, Verdict(verdict), 1.239, reason)


@pytest.fixture
def record() -> RunRecord:
    scenarios = [
        result("b", "failed", "AC02", reason="leads: traffic is not even"),
        result("a", "passed", "AC01", "AC02"),
        result("c", "environment", "AC01"),
        result("bare", "passed"),
    ]
    return RunRecord("baseline", 7, "kind seatrial", {"pytest": "9.2.0"}, {"images": 12.34}, scenarios)


def test_a_scenario_counts_for_each_of_its_criteria(record: RunRecord):
    counts = {
        criterion: {str(verdict): count for verdict, count in row.items() if count}
        for criterion, row in record.by_criterion().items()
    }
    assert list(counts.items()) == [
        ("AC01", {"passed": 1, "environment": 1}),
        ("AC02", {"passed": 1, "failed": 1}),
    ]


def test_a_phase_of_the_same_name_adds_up_also_when_it_fails(record: RunRecord):
    with record.phase("images"):
        pass
    with pytest.raises(ValueError, match="oops"), record.phase("cluster"):
        raise ValueError("oops")
    assert list(record.phases) == ["images", "cluster"]
    assert 12.34 <= record.phases["images"] < 13
    assert record.phase_seconds == sum(record.phases.values())


def test_the_summary_is_complete_and_rounded(record: RunRecord, tmp_path: Path):
    path = tmp_path / "reports" / "summary.json"
    write_summary(path, record)
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert summary["run"].pop("started") == record.started.isoformat(timespec="seconds")
    assert summary["run"].pop("seconds") >= 0
    assert summary["run"] == {
        "versions": {"pytest": "9.2.0"},
        "cluster": "kind seatrial",
        "overlay": "baseline",
        "seed": 7,
    }
    assert summary["phases"] == {"images": 12.3}
    assert summary["criteria"]["AC02"] == {
        "passed": 1,
        "failed": 1,
        "inconclusive": 0,
        "environment": 0,
        "skipped": 0,
    }
    assert summary["scenarios"][0] == {
        "id": "features/a.feature::test_b",
        "name": "b",
        "criteria": ["AC02"],
        "verdict": "failed",
        "seconds": 1.24,
        "reason": "leads: traffic is not even",
    }


def test_no_half_written_summary_is_left(record: RunRecord, tmp_path: Path):
    write_summary(tmp_path / "summary.json", record)
    write_summary(tmp_path / "summary.json", record)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
