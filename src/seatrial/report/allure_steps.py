"""The Allure adapter: Gherkin steps, tables, doc strings, criteria and verdicts in ``allure-results``.

allure-pytest does the writing but knows nothing of pytest-bdd; allure-pytest-bdd does, but cannot run beside it (both
declare ``--alluredir``). This plugin stands on allure-pytest's reporter and pytest-bdd's hooks.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import allure
import pytest
from allure_commons.model2 import Label, Parameter, Status, StatusDetails, TestResult, TestStepResult
from pytest_bdd.parser import Scenario, Step

from seatrial.errors import Verdict
from seatrial.report.features import SCENARIO, ScenarioInfo
from seatrial.report.scenarios import OUTCOME
from seatrial.report.verdicts import PASSED, judge

EXAMPLE_PARAMETER = "_pytest_bdd_example"
STATUS = {
    Verdict.PASSED: Status.PASSED,
    Verdict.SKIPPED: Status.SKIPPED,
    Verdict.ENVIRONMENT: Status.BROKEN,
    Verdict.INCONCLUSIVE: Status.UNKNOWN,
    Verdict.FAILED: Status.FAILED,
}
"""Allure has no verdicts of ours: *broken* is its word for trouble outside the product, *unknown* for no verdict."""


class AllureScenarios:
    """Tells allure-pytest's reporter about scenarios and steps."""

    def __init__(self, reporter: Any) -> None:
        """Take allure-pytest's own ``AllureReporter`` (its methods carry no types)."""
        self._reporter = reporter
        self._open: list[str] = []
        self._begun = 0
        self._told = PASSED
        """The outcome that the report shows: that of the first phase that did not pass, whatever came after it."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        self._told = PASSED
        try:
            yield
        finally:  # also when a fixture failed: the report names the scenario all the same
            info = item.stash.get(SCENARIO, None)
            if info:
                _entitle(self._reporter.get_test(None), info)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if SCENARIO in item.stash:
            result, outcome = self._reporter.get_test(None), item.stash[OUTCOME]
            if outcome not in (PASSED, self._told):
                self._told = outcome
                result.status = STATUS[outcome.verdict]
                trace = report.longreprtext if outcome.verdict is Verdict.FAILED else None
                result.statusDetails = StatusDetails(message=_message(outcome.verdict, outcome.reason), trace=trace)
            if report.when == "teardown":
                result.labels.append(Label("verdict", str(outcome.verdict)))
        return report

    def pytest_bdd_before_scenario(self) -> None:
        self._open, self._begun = [], 0

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_before_step(self, step: Step) -> None:
        self._begun += 1
        self._start(step)

    def pytest_bdd_before_step_call(self, step: Step) -> None:
        if step.datatable is not None:
            table = io.StringIO()
            csv.writer(table, lineterminator="\n").writerows(step.datatable.raw())
            allure.attach(table.getvalue(), "Data table", allure.attachment_type.CSV)
        if step.docstring is not None:
            allure.attach(step.docstring, "Doc string", allure.attachment_type.TEXT)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_after_step(self) -> None:
        self._stop(None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_step_error(self, exception: BaseException) -> None:
        self._stop(exception)

    def pytest_bdd_step_func_lookup_error(self, step: Step, exception: BaseException) -> None:
        self._begun += 1
        self._start(step)
        self._stop(exception)

    def pytest_bdd_after_scenario(self, scenario: Scenario) -> None:
        """Close what a skip left open (pytest-bdd tells no hook of it) and list the steps that were not reached."""
        while self._open:
            self._stop(sys.exc_info()[1])
        for step in scenario.steps[self._begun :]:
            self._start(step)
            self._reporter.stop_step(self._open.pop(), stop=_now(), status=Status.SKIPPED)

    def _start(self, step: Step) -> None:
        self._open.append(str(uuid4()))
        title = f"{step.keyword.strip()} {step.name}"
        self._reporter.start_step(None, self._open[-1], TestStepResult(name=title, start=_now()))

    def _stop(self, error: BaseException | None) -> None:
        outcome = judge(error)
        details = StatusDetails(message=outcome.reason) if outcome.reason else None
        self._reporter.stop_step(self._open.pop(), stop=_now(), status=STATUS[outcome.verdict], statusDetails=details)


def write_environment(results: Path, facts: Mapping[str, str]) -> None:
    """Write ``environment.properties``, which Allure shows with the report."""
    results.mkdir(parents=True, exist_ok=True)
    lines = [f"{_escaped(name)}={value}" for name, value in facts.items() if value]
    (results / "environment.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _entitle(result: TestResult, info: ScenarioInfo) -> None:
    result.name = info.name
    result.description = info.description
    shown = [parameter for parameter in result.parameters if parameter.name != EXAMPLE_PARAMETER]
    result.parameters = shown + [Parameter(name=name, value=value) for name, value in info.parameters.items()]
    labels: dict[str, Any] = {"feature": info.feature, "story": info.story, "severity": info.severity}
    result.labels.extend(Label(name, value) for name, value in labels.items())
    result.labels.extend(Label("epic", criterion) for criterion in info.criteria)
    result.labels.extend(Label("criterion", criterion) for criterion in info.criteria)


def _message(verdict: Verdict, reason: str) -> str:
    loud = verdict in (Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT)
    return f"{verdict.upper()}: {reason}" if loud else reason


def _escaped(name: str) -> str:
    return name.replace(" ", "\\ ").replace(":", "\\:").replace("=", "\\=")


def _now() -> int:
    """Milliseconds, as Allure counts."""
    return round(time.time() * 1000)
