"""The summary on the terminal, word by word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seatrial.errors import Verdict
from seatrial.report.catalogue import Catalogue
from seatrial.report.run import RunRecord, ScenarioResult
from seatrial.report.table import summary_lines, verdict_line

CATALOGUE = Catalogue(Path("criteria.yaml"), {"AC01": "Services find each other", "AC02": "x" * 80})


def record(*results: tuple[str, str, str]) -> RunRecord:
    scenarios = [
        ScenarioResult(f"features/a.feature::test_{name}", name, (criterion,), Verdict(verdict), 1.0, f"{name}\nmore")
        for criterion, name, verdict in results
    ]
    return RunRecord(scenarios=scenarios, collected=len(scenarios))


@pytest.fixture
def mixed() -> RunRecord:
    return record(
        ("AC01", "names", "passed"),
        ("AC01", "ports", "inconclusive"),
        ("AC02", "spread", "failed"),
        ("AC03", "switches", "skipped"),
    )


def test_the_table_and_what_did_not_pass(mixed: RunRecord):
    assert [re.sub("  +", "  ", line) for line in summary_lines(mixed, CATALOGUE)] == [
        "criterion  passed  failed  inconclusive  environment  skipped",
        "AC01 Services find each other  1  ·  1  ·  ·  INCONCLUSIVE",
        f"AC02 {'x' * 56}…  ·  1  ·  ·  ·  FAILED",
        "AC03  ·  ·  ·  ·  1  skipped",
        "",
        "INCONCLUSIVE AC01 ports",
        "  ports",
        "  features/a.feature::test_ports",
        "",
        "FAILED AC02 spread",
        "  spread",
        "  features/a.feature::test_spread",
        "",
        "skipped AC03 switches",
        "  switches",
        "  features/a.feature::test_switches",
        "",
        "verdict: FAILED (1 passed, 1 failed, 1 inconclusive, 1 skipped) in 0 s",
    ]


def test_the_columns_stand_below_each_other(mixed: RunRecord):
    head, *rows = summary_lines(mixed, CATALOGUE)[:4]
    ends = [match.end() for match in re.finditer(r"passed|failed|inconclusive|environment|skipped", head)]
    assert all(row[end - 1] in "1·" for row in rows for end in ends)
    assert {row[ends[-1] :][:3] for row in rows} == {"   "}


def test_scenarios_that_were_not_run_are_told():
    run = record(("AC01", "names", "environment"))
    run.collected = 3
    assert "2 of 3 scenarios were not run: the run was stopped early" in summary_lines(run, CATALOGUE)


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        ("passed", "verdict: INCOMPLETE (1 passed, 1 not run) in 0 s"),
        ("skipped", "verdict: INCOMPLETE (1 skipped, 1 not run) in 0 s"),
        ("failed", "verdict: FAILED (1 failed, 1 not run) in 0 s"),
    ],
)
def test_a_run_that_was_stopped_has_not_passed(verdict: str, line: str):
    run = record(("AC01", "names", verdict))
    run.collected = 2
    assert verdict_line(run) == line


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        ("", "verdict: none, no scenario was run"),
        ("passed passed", "verdict: passed (2 passed) in 0 s"),
        ("passed skipped", "verdict: passed (1 passed, 1 skipped) in 0 s"),
        ("skipped", "verdict: skipped (1 skipped) in 0 s"),
        ("environment passed", "verdict: ENVIRONMENT (1 passed, 1 environment) in 0 s"),
    ],
)
def test_one_line_says_how_the_run_ended(verdicts: str, line: str):
    assert verdict_line(record(*(("AC01", "names", verdict) for verdict in verdicts.split()))) == line


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (["pause"], ["1 scenario is left for --nightly:", "    pause"]),
        (["pause", "drain"], ["2 scenarios are left for --nightly:", "    pause", "    drain"]),
    ],
)
def test_what_is_left_for_the_night_is_counted_and_named(mixed: RunRecord, left: list[str], told: list[str]):
    mixed.left_for_nightly += left
    lines = summary_lines(mixed, CATALOGUE)
    assert lines[-2 - len(told) : -2] == told
