"""A small trial: a project of its own with feature files, run by pytest with the real plugin and without a cluster."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pytest_bdd.feature import features as parsed_features

pytest_plugins = ["pytester"]
# what a shell starts in its background ignores Ctrl-C, and so would all that tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

CONFTEST = """
import pytest
from pytest_bdd import given, parsers, then, when

from seatrial.errors import Doubt, EnvironmentFault, Failed, Failure, Inconclusive

pytest_plugins = ["seatrial.plugin"]


@given("a system")
def system(): ...


@then("it holds")
def holds(): ...


@then("it does not hold")
def fails():
    raise Failed(Failure("leads (Service shop/leads): traffic is not even", "33 %", "50 %"))


@then("nobody knows")
def unknown():
    raise Inconclusive(Doubt("leads: no fault was seen", "proof of the fault"))


@when("the engine stops")
def engine():
    raise EnvironmentFault("docker does not answer", remedy="start it")


@then("it is not promised")
def skipped():
    pytest.skip("the system declares no faults")


@then("the step itself is broken")
def broken():
    raise ValueError("oops")
"""
FILES = {
    "pytest.ini": "[pytest]\naddopts = -ra --strict-markers --strict-config -p no:schemathesis -p no:hypothesispytest\n"
    "xfail_strict = true\n",
    "system.yaml": "name: shop\nnamespace: shop\nservices:\n  - name: web\n",
    "features/criteria.yaml": "criteria:\n  AC01: Services find each other\ntags:\n  slow: Takes long\n",
}


@dataclass(frozen=True)
class Run:
    """What a run of pytest left behind."""

    result: pytest.RunResult
    reports: Path

    @property
    def code(self) -> int:
        return int(self.result.ret)

    @property
    def output(self) -> str:
        return self.result.stdout.str()

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.reports / "summary.json").read_text(encoding="utf-8"))

    @property
    def verdicts(self) -> dict[str, str]:
        return {each["name"]: each["verdict"] for each in self.summary["scenarios"]}

    @property
    def reasons(self) -> dict[str, str]:
        return {each["name"]: each["reason"] for each in self.summary["scenarios"]}

    @property
    def junit(self) -> dict[str, ElementTree.Element]:
        """Test cases by name."""
        return {case.attrib["name"]: case for case in ElementTree.parse(self.reports / "junit.xml").iter("testcase")}

    @property
    def allure(self) -> dict[str, dict[str, Any]]:
        """Allure's results by name."""
        paths = (self.reports / "allure-results").glob("*-result.json")
        results = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        return {result["name"]: result for result in results}

    def attached(self, result: dict[str, Any]) -> dict[str, str]:
        """Return the text of each attachment of a result or a step by its name."""
        folder = self.reports / "allure-results"
        return {each["name"]: (folder / each["source"]).read_text() for each in result.get("attachments", ())}


class Trial:
    """The project: ``features/``, a conftest with a step for each verdict, and a system of one service."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.folder = pytester.path
        for path, text in {**FILES, "conftest.py": CONFTEST}.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def define(self, steps: str) -> None:
        """Add step definitions and fixtures."""
        self.write("conftest.py", f"{CONFTEST}\n\n{steps}")

    def scenarios(self, **steps: str) -> None:
        """Write a feature with one scenario per name."""
        scenarios = (f"  Scenario: {name}\n    {text}\n" for name, text in steps.items())
        self.write("features/a.feature", "\n".join(["@AC01\nFeature: Discovery\n", *scenarios]))

    def run(self, *arguments: str, subprocess: bool = False) -> Run:
        """Run pytest on the features, or on what is given; never with the HTML report."""
        parsed_features.clear()  # pytest-bdd parses a path once per process, and a test may write it twice
        run = self._pytester.runpytest_subprocess if subprocess else self._pytester.runpytest_inprocess
        return Run(run(*(arguments or ("features",)), "--no-html"), self.folder / "reports")


@pytest.fixture
def trial(pytester: pytest.Pytester) -> Trial:
    return Trial(pytester)


@pytest.fixture
def seatrial(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command here; returns its exit code and what it said on both streams."""

    def command(*arguments: str) -> tuple[int, str, str]:
        from seatrial import cli  # only here: the small trials of this file need none of what it loads

        monkeypatch.setattr(sys, "argv", ["seatrial", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return command
