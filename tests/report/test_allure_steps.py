"""``allure-results``: steps as they are worded, labels, statuses, attachments; read back from the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seatrial.report.allure_steps import write_environment

FEATURE = """\
@AC01 @critical
Feature: Discovery
  Why it matters.

  Background:
    Given a system

  Scenario: {name}
    {steps}
"""


def run(trial, *steps: str):
    trial.write("features/a.feature", FEATURE.format(name="One", steps="\n    ".join(steps)))
    return trial.run()


def steps_of(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in result["steps"]]


def labels(result: dict[str, Any], *names: str) -> list[tuple[str, str]]:
    return sorted((label["name"], label["value"]) for label in result["labels"] if label["name"] in names)


def test_steps_are_worded_as_written(trial):
    trial.define("@when('something happens')\ndef happens(): ...\n")
    result = run(trial, "When something happens", "Then it holds", "But it holds", "* it holds").allure["One"]
    assert steps_of(result) == [
        ("Given a system", "passed"),
        ("When something happens", "passed"),
        ("Then it holds", "passed"),
        ("But it holds", "passed"),
        ("* it holds", "passed"),
    ]
    assert result["status"] == "passed"
    assert all(step["start"] <= step["stop"] for step in result["steps"])


@pytest.mark.parametrize(
    ("step", "status", "message"),
    [
        (
            "Then it does not hold",
            "failed",
            "leads (Service shop/leads): traffic is not even\n  expected  33 %\n  observed  50 %",
        ),
        ("Then nobody knows", "unknown", "leads: no fault was seen\n  missing   proof of the fault"),
        ("When the engine stops", "broken", "docker does not answer; start it"),
        ("Then it is not promised", "skipped", "the system declares no faults"),
        ("Then the step itself is broken", "failed", "ValueError: oops"),
        (
            "Then pigs can fly",
            "failed",
            'StepDefinitionNotFoundError: Step definition is not found: Then "pigs can fly".',
        ),
    ],
)
def test_the_first_step_that_did_not_pass_ends_the_scenario(trial, step: str, status: str, message: str):
    result = run(trial, step, "Then it holds", "And it holds").allure["One"]
    assert steps_of(result) == [
        ("Given a system", "passed"),
        (step, status),
        ("Then it holds", "skipped"),
        ("And it holds", "skipped"),
    ]
    assert result["steps"][1]["statusDetails"]["message"].startswith(message)
    assert result["status"] == status
    loud = {"unknown": "INCONCLUSIVE: ", "broken": "ENVIRONMENT: "}.get(status, "")
    assert result["statusDetails"]["message"].startswith(loud + message)


@pytest.mark.parametrize(
    ("step", "trace"),
    [
        ("Then it does not hold", "  step      Then it does not hold (features/a.feature:9)"),
        ("Then the step itself is broken", "E   ValueError: oops"),
    ],
)
def test_the_trace_of_a_failure_says_where(trial, step: str, trace: str):
    details = run(trial, step).allure["One"]["statusDetails"]
    assert details["trace"].endswith(trace)
    assert "Traceback" not in details["trace"]


def test_a_tear_down_that_fails_too_does_not_hide_the_failure(trial):
    trial.define("@pytest.fixture(autouse=True)\ndef restored():\n    yield\n    raise RuntimeError('not restored')\n")
    result = run(trial, "Then it does not hold").allure["One"]
    assert result["statusDetails"]["trace"] == (
        "leads (Service shop/leads): traffic is not even\n"
        "  expected  33 %\n"
        "  observed  50 %\n"
        "  step      Then it does not hold (features/a.feature:9)"
    )
    assert labels(result, "verdict") == [("verdict", "failed")]


@pytest.mark.parametrize("step", ["Then nobody knows", "When the engine stops", "Then it is not promised"])
def test_what_is_no_failure_has_no_trace(trial, step: str):
    assert "trace" not in run(trial, step).allure["One"]["statusDetails"]


def test_labels_say_criterion_severity_and_verdict(trial):
    result = run(trial, "Then nobody knows").allure["One"]
    assert labels(result, "epic", "feature", "story", "severity", "criterion", "verdict", "tag") == [
        ("criterion", "AC01"),
        ("epic", "AC01"),
        ("feature", "Discovery"),
        ("severity", "critical"),
        ("story", "One"),
        ("tag", "AC01"),
        ("tag", "critical"),
        ("verdict", "inconclusive"),
    ]
    assert result["description"] == "Why it matters."


def test_a_scenario_without_severity_is_normal(trial):
    trial.scenarios(One="Then it holds")
    assert labels(trial.run().allure["One"], "severity") == [("severity", "normal")]


def test_the_rows_of_an_outline_are_told_by_their_parameters(trial):
    trial.define("@then(parsers.parse('it has {count:d} replicas'))\ndef has(count): ...\n")
    trial.write(
        "features/a.feature",
        "@AC01\nFeature: f\n  Scenario Outline: With <count>\n    Then it has <count> replicas\n"
        "    Examples:\n      | count | note |\n      | 2     | few  |\n      | 5     | many |\n",
    )
    results = trial.run().allure
    assert {name: steps_of(result) for name, result in results.items()} == {
        "With 2": [("Then it has 2 replicas", "passed")],
        "With 5": [("Then it has 5 replicas", "passed")],
    }
    assert results["With 5"]["parameters"] == [{"name": "count", "value": "5"}, {"name": "note", "value": "many"}]
    assert labels(results["With 5"], "story") == [("story", "With <count>")]
    assert results["With 2"]["historyId"] != results["With 5"]["historyId"]


def test_tables_doc_strings_and_evidence_hang_on_their_step(trial):
    trial.define(
        "@given('these services')\ndef services(datatable): ...\n\n"
        "@given('this note')\ndef note(docstring): ...\n\n"
        "@then('it is shown')\ndef shown(evidence):\n    evidence.text('counts', 'leads-a 3')\n"
    )
    table, note = "| name | port |\n    | a, b | 80 |", '"""\n    first\n    second\n    """'
    ran = run(trial, "Given these services", table, "And this note", note, "Then it is shown")
    result = ran.allure["One"]
    assert [(step["name"], ran.attached(step)) for step in result["steps"][1:]] == [
        ("Given these services", {"Data table": 'name,port\n"a, b",80\n'}),
        ("And this note", {"Doc string": "first\nsecond"}),
        ("Then it is shown", {"counts": "leads-a 3"}),
    ]


def test_a_fixture_that_fails_leaves_a_named_scenario_without_steps(trial):
    trial.define("@pytest.fixture(autouse=True)\ndef ground():\n    raise EnvironmentFault('no engine')\n")
    result = run(trial, "Then it holds").allure["One"]
    assert (result["status"], result["statusDetails"]["message"]) == ("broken", "ENVIRONMENT: no engine")
    assert labels(result, "criterion", "verdict") == [("criterion", "AC01"), ("verdict", "environment")]
    assert "steps" not in result


def test_a_scenario_that_ends_early_leaves_nothing_to_the_next(trial):
    trial.scenarios(First="Then it is not promised", Second="Then it does not hold", Third="Then it holds")
    results = trial.run().allure
    assert {name: steps_of(result) for name, result in results.items()} == {
        "First": [("Then it is not promised", "skipped")],
        "Second": [("Then it does not hold", "failed")],
        "Third": [("Then it holds", "passed")],
    }


def test_other_tests_of_the_run_are_told_as_ever(trial):
    trial.scenarios(One="Then it holds")
    trial.write("tests/test_own.py", "def test_own():\n    pass\n")
    results = trial.run("features", "tests").allure
    assert labels(results["test_own"], "verdict", "criterion", "severity") == []
    assert labels(results["One"], "verdict") == [("verdict", "passed")]


def test_the_environment_is_written_for_allure(tmp_path: Path):
    write_environment(tmp_path / "results", {"kind cluster": "a=b", "seed": "7", "empty": "", "a:b": "x"})
    text = (tmp_path / "results" / "environment.properties").read_text(encoding="utf-8")
    assert text == "kind\\ cluster=a=b\nseed=7\na\\:b=x\n"
