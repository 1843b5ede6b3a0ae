"""Running the scenario that a seeded fault must turn red, with the fault laid over its overlay."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seatrial.errors import EnvironmentFault, Verdict
from seatrial.paths import ROOT
from seatrial.power.judge import Finding, Result, judge
from seatrial.power.mutants import Mutant
from seatrial.progress import Phases

MATRIX = "matrix.json"


def measure(mutants: Sequence[Mutant], reports: Path, phases: Phases) -> Iterator[Finding]:
    """Yield what became of each fault; on each overlay the same scenarios are run without any fault before and after.

    Another overlay may need another cluster, so all faults of one overlay are tried in a row, and the overlays in the
    order in which the faults name them. Raises EnvironmentFault when a scenario does not pass without a fault: nothing
    can be learnt on such ground.
    """
    findings = []
    for overlay, group in by_overlay(mutants).items():
        _control(overlay, group, reports / f"control-before-{overlay}", phases)
        for mutant in group:
            findings.append(_try(mutant, reports / mutant.name, phases))
            (reports / MATRIX).write_text(json.dumps([asdict(each) for each in findings], indent=2) + "\n")
            yield findings[-1]
        _control(overlay, group, reports / f"control-after-{overlay}", phases)


def by_overlay(mutants: Sequence[Mutant]) -> dict[str, list[Mutant]]:
    """Return the faults by the overlay that they are laid over; both in the order in which they are given."""
    groups: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault(mutant.expectation.overlay, []).append(mutant)
    return groups


def _try(mutant: Mutant, reports: Path, phases: Phases) -> Finding:
    expectation, began = mutant.expectation, time.monotonic()
    with phases.phase(mutant.name):
        results = run_features([mutant.test], reports, expectation.overlay, [mutant.folder])
    fate, reason = judge(expectation, results)
    seconds = time.monotonic() - began
    return Finding(mutant.name, expectation.overlay, mutant.fault, expectation.criterion, fate, reason, seconds)


def _control(overlay: str, mutants: Sequence[Mutant], reports: Path, phases: Phases) -> None:
    with phases.phase(reports.name.replace("-", " ")):
        results = run_features(sorted({mutant.test for mutant in mutants}), reports, overlay)
    bad = [each for each in results if each["verdict"] != Verdict.PASSED]
    if bad or not results:
        what = f"{bad[0]['name']} is {bad[0]['verdict']}: {bad[0]['reason']}" if bad else "no scenario was run"
        raise EnvironmentFault(f"without any seeded fault, on overlay {overlay}, {what} (see {reports})")


def run_features(tests: Sequence[str], reports: Path, overlay: str, components: Sequence[Path] = ()) -> list[Result]:
    """Run scenarios in a child pytest and return their results; its output is ``pytest.log`` in the folder."""
    reports.mkdir(parents=True, exist_ok=True)
    summary = reports / "summary.json"
    summary.unlink(missing_ok=True)
    options = [f"--reports={reports}", "--no-html", f"--overlay={overlay}"]
    options += [f"--component={folder}" for folder in components]
    with (reports / "pytest.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "pytest", *tests, *options], cwd=ROOT, stdout=log, stderr=log, check=False
        )
    if not summary.exists():
        raise EnvironmentFault(f"the run left no summary; see {reports / 'pytest.log'}")
    document: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return list(document["scenarios"])
