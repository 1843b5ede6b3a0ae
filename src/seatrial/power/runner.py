"""Running the scenario that a seeded fault must turn red, with the fault laid over the overlay."""

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
    """Yield what became of each fault; the same scenarios are run without any fault before and after.

    Raises EnvironmentFault when they do not pass then: nothing can be learnt on such ground.
    """
    _control(mutants, reports / "control-before", phases)
    findings = []
    for mutant in mutants:
        began = time.monotonic()
        with phases.phase(mutant.name):
            results = run_features([mutant.test], reports / mutant.name, [mutant.folder])
        fate, reason = judge(mutant.expectation, results)
        seconds = time.monotonic() - began
        findings.append(Finding(mutant.name, mutant.fault, mutant.expectation.criterion, fate, reason, seconds))
        (reports / MATRIX).write_text(json.dumps([asdict(each) for each in findings], indent=2) + "\n")
        yield findings[-1]
    _control(mutants, reports / "control-after", phases)


def _control(mutants: Sequence[Mutant], reports: Path, phases: Phases) -> None:
    with phases.phase(reports.name.replace("-", " ")):
        results = run_features(sorted({mutant.test for mutant in mutants}), reports)
    bad = [each for each in results if each["verdict"] != Verdict.PASSED]
    if bad or not results:
        what = f"{bad[0]['name']} is {bad[0]['verdict']}: {bad[0]['reason']}" if bad else "no scenario was run"
        raise EnvironmentFault(f"without any seeded fault, {what} (see {reports})")


def run_features(tests: Sequence[str], reports: Path, components: Sequence[Path] = ()) -> list[Result]:
    """Run scenarios in a child pytest and return their results; its output is ``pytest.log`` in the folder."""
    reports.mkdir(parents=True, exist_ok=True)
    summary = reports / "summary.json"
    summary.unlink(missing_ok=True)
    options = [f"--reports={reports}", "--no-html", *(f"--component={folder}" for folder in components)]
    with (reports / "pytest.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "pytest", *tests, *options], cwd=ROOT, stdout=log, stderr=log, check=False
        )
    if not summary.exists():
        raise EnvironmentFault(f"the run left no summary; see {reports / 'pytest.log'}")
    document: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return list(document["scenarios"])
