"""Which runs detection power is made of: each fault on its overlay, and the same scenarios without any around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.power import runner
from seatrial.power.judge import Fate
from seatrial.power.mutants import FEATURES, Expectation, Mutant
from seatrial.power.runner import MATRIX, measure, run_features
from seatrial.progress import Phases

Runs = list[tuple[str, str, list[str], list[str]]]


def mutant(number: int, overlay: str, scenario: str) -> Mutant:
    expectation = Expectation(
        criterion="AC04", feature="a.feature", scenario=scenario, reason="it is broken", overlay=overlay
    )
    return Mutant(f"{number:02}-fault", Path(f"/mutants/{number:02}-fault"), "A fault.", expectation)


ALL = [
    mutant(1, "nginx", "One"),
    mutant(2, "istio", "Two"),
    mutant(3, "nginx", "Three"),
    mutant(4, "istio", "Two"),
    mutant(5, "nginx", "One"),
]


def result(verdict: str, reason: str = "") -> dict[str, Any]:
    return {"name": "One", "verdict": verdict, "reason": reason, "criteria": ["AC04"]}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What was run: name of its reports, overlay, scenarios, components. Every fault is found."""
    done: Runs = []

    def run(tests: Sequence[str], reports: Path, overlay: str, components: Sequence[Path] = ()) -> list[dict[str, Any]]:
        scenarios = [test.removeprefix(f"{FEATURES / 'a.feature'}::test_") for test in tests]
        done.append((reports.name, overlay, scenarios, [each.name for each in components]))
        return [result("failed", "it is broken") if components else result("passed")]

    monkeypatch.setattr(runner, "run_features", run)
    return done


def test_faults_of_one_overlay_are_tried_in_a_row_with_their_scenarios_before_and_after(runs: Runs, tmp_path: Path):
    findings = list(measure(ALL, tmp_path, Phases()))
    assert runs == [
        ("control-before-nginx", "nginx", ["one", "three"], []),
        ("01-fault", "nginx", ["one"], ["01-fault"]),
        ("03-fault", "nginx", ["three"], ["03-fault"]),
        ("05-fault", "nginx", ["one"], ["05-fault"]),
        ("control-after-nginx", "nginx", ["one", "three"], []),
        ("control-before-istio", "istio", ["two"], []),
        ("02-fault", "istio", ["two"], ["02-fault"]),
        ("04-fault", "istio", ["two"], ["04-fault"]),
        ("control-after-istio", "istio", ["two"], []),
    ]
    assert [(each.mutant, each.overlay, each.fate) for each in findings] == [
        (f"0{number}-fault", overlay, Fate.KILLED)
        for number, overlay in ((1, "nginx"), (3, "nginx"), (5, "nginx"), (2, "istio"), (4, "istio"))
    ]


def test_the_matrix_holds_every_fault_of_every_overlay(runs: Runs, tmp_path: Path):
    list(measure(ALL, tmp_path, Phases()))
    rows = json.loads((tmp_path / MATRIX).read_text())
    assert [(row["mutant"], row["overlay"]) for row in rows] == [
        *((f"0{number}-fault", "nginx") for number in (1, 3, 5)),
        *((f"0{number}-fault", "istio") for number in (2, 4)),
    ]


def test_no_other_overlay_is_deployed_than_those_of_the_faults(runs: Runs, tmp_path: Path):
    list(measure(ALL[1:2], tmp_path, Phases()))
    assert {overlay for _, overlay, _, _ in runs} == {"istio"}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([result("failed", "the ground is bad")], "One is failed: the ground is bad"),
        ([result("skipped", "not promised")], "One is skipped: not promised"),
        ([], "no scenario was run"),
    ],
)
def test_ground_on_which_nothing_can_be_learnt_is_told_with_its_overlay(
    results: list[dict[str, Any]], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runner, "run_features", lambda *_: results)
    with pytest.raises(EnvironmentFault) as caught:
        list(measure(ALL[1:2], tmp_path, Phases()))
    reports = tmp_path / "control-before-istio"
    assert str(caught.value) == f"without any seeded fault, on overlay istio, {told} (see {reports})"


def test_a_run_has_the_overlay_the_components_and_reports_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        started.append(command[3:])
        (tmp_path / "here" / "summary.json").write_text('{"scenarios": [1]}')

    monkeypatch.setattr(runner.subprocess, "run", run)
    assert run_features(["a::b"], tmp_path / "here", "istio", [Path("/x"), Path("/y")]) == [1]
    assert started == [
        ["a::b", f"--reports={tmp_path / 'here'}", "--no-html", "--overlay=istio", "--component=/x", "--component=/y"]
    ]
