"""The pytest plugin that follows each scenario: judges its phases, gathers evidence, records the result."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd.parser import Scenario, Step

from seatrial.errors import Verdict
from seatrial.report.catalogue import find_catalogue
from seatrial.report.evidence import Collectors, Evidence, scenario_slug
from seatrial.report.features import SCENARIO, describe
from seatrial.report.gherkin import shown_path
from seatrial.report.run import RunRecord, ScenarioResult
from seatrial.report.verdicts import LETTERS, PASSED, Outcome, exit_code, first_trouble, judge_phase, tells_itself

OUTCOME = pytest.StashKey[Outcome]()
EVIDENCE = pytest.StashKey[Evidence]()
COLLECTORS = pytest.StashKey[Collectors]()
"""In a config: those of the whole run. In an item: those of one scenario."""
RECORD = pytest.StashKey[RunRecord]()
Word = tuple[str, Mapping[str, bool]]
"""A word and its markup on the terminal."""
_STEP = pytest.StashKey[str]()


@dataclass(eq=False)  # pluggy keeps plugins in sets
class ScenarioPlugin:
    """Registered for runs of features; other tests of the same run are left alone."""

    record: RunRecord
    evidence_folder: Path
    root: Path
    _other_failures: bool = field(default=False)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        info = describe(item, find_catalogue(item.path.parent))
        if info:
            item.stash[SCENARIO] = info
            item.stash[OUTCOME] = PASSED
            item.stash[COLLECTORS] = Collectors()
            item.stash[EVIDENCE] = Evidence(self.evidence_folder / scenario_slug(item.nodeid), self.root)
            item.user_properties.extend(("criterion", criterion) for criterion in info.criteria)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.record.collected = sum(1 for item in session.items if SCENARIO in item.stash)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._other_failures |= report.failed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        phases, began = self.record.phase_seconds, self.record.seconds
        result = yield
        info = item.stash.get(SCENARIO, None)
        if info:
            outcome = item.stash[OUTCOME]
            seconds = max(0.0, self.record.seconds - began - (self.record.phase_seconds - phases))
            self.record.scenarios.append(
                ScenarioResult(info.id, info.name, info.criteria, outcome.verdict, seconds, outcome.reason)
            )
        return result

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, scenario: Scenario, step: Step) -> None:
        path = shown_path(Path(scenario.feature.filename))
        request.node.stash[_STEP] = f"{step.keyword.strip()} {step.name} ({path}:{step.line_number})"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if SCENARIO not in item.stash:
            self._other_failures |= report.failed
            return report
        error = call.excinfo.value if call.excinfo else None
        outcome = judge_phase(report, error)
        if report.failed and tells_itself(error):
            report.longrepr = _told(outcome, item.stash.get(_STEP, "") if report.when == "call" else "")
        report.verdict = outcome.verdict  # type: ignore[attr-defined]
        self._settle(item, report, outcome)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Word] | None:
        """Say INCONCLUSIVE and ENVIRONMENT where pytest would say FAILED or ERROR; pytest still counts them as such."""
        verdict = getattr(report, "verdict", None)
        if verdict not in LETTERS or not report.failed:
            return None
        return "failed" if report.when == "call" else "error", LETTERS[verdict], (verdict.upper(), {"yellow": True})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        session.exitstatus = exit_code(exitstatus, self.record.verdicts(), other_failures=self._other_failures)

    def _settle(self, item: pytest.Item, report: pytest.TestReport, outcome: Outcome) -> None:
        """Take the outcome of a phase into account; at the first trouble gather evidence while it is still there."""
        earlier = item.stash[OUTCOME]
        item.stash[OUTCOME] = first_trouble(earlier, outcome)
        if item.stash[OUTCOME] is earlier or outcome.verdict is Verdict.SKIPPED:
            return
        evidence = item.stash[EVIDENCE]
        troubles = [
            trouble
            for collectors in (item.stash[COLLECTORS], item.config.stash[COLLECTORS])
            for trouble in collectors.run(evidence)
        ]
        if troubles:
            report.sections.append(("Evidence that could not be gathered", "\n".join(troubles)))
        if evidence.names:
            report.sections.append(("Evidence", "\n".join(evidence.names)))


def _told(outcome: Outcome, step: str) -> str:
    lines = [outcome.reason, f"  step      {step}" if step else ""]
    return "\n".join(line for line in lines if line)
