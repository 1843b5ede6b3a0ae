"""Feature files as pytest collects them: ids, markers, selection, and what is refused."""

from __future__ import annotations

import pytest

OUTLINE = """\
@AC01
Feature: Discovery
  Why it matters.

  @slow
  Scenario: Names lead to services
    In every namespace.
    Then it holds

  Rule: Numbers are followed
    @critical
    Scenario Outline: With <count> replicas
      Given a system
      Then it holds

      Examples:
        | count |
        | 1     |
      @AC02
      Examples: many
        | count |
        | 20    |
"""


@pytest.fixture
def ids(trial):
    trial.write("features/a.feature", OUTLINE)

    def ids(*arguments: str) -> list[str]:
        lines = trial.run(*arguments, "--collect-only", "-q").output.splitlines()
        return [line.partition("::")[2] for line in lines if "::" in line]

    return ids


NAMES, ONE, TWENTY = "test_names_lead_to_services", "test_with_count_replicas[1]", "test_with_count_replicas[20]"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("features",), [NAMES, ONE, TWENTY]),
        ((".",), [NAMES, ONE, TWENTY]),
        (("features/a.feature",), [NAMES, ONE, TWENTY]),
        ((f"features/a.feature::{NAMES}",), [NAMES]),
        ((f"features/a.feature::{TWENTY}",), [TWENTY]),
        (("features", "-k", "replicas"), [ONE, TWENTY]),
        (("features", "-m", "AC01 and not slow"), [ONE, TWENTY]),
        (("features", "-m", "critical"), [ONE, TWENTY]),
        (("features", "-m", "AC02"), [TWENTY]),
    ],
)
def test_scenarios_are_selected_as_tests_are(ids, arguments: tuple[str, ...], found: list[str]):
    assert ids(*arguments) == found


def test_a_scenario_is_described(trial):
    trial.write("features/a.feature", OUTLINE)
    run = trial.run()
    assert [(each["name"], each["criteria"]) for each in run.summary["scenarios"]] == [
        ("Names lead to services", ["AC01"]),
        ("With 1 replicas", ["AC01"]),
        ("With 20 replicas", ["AC01", "AC02"]),
    ]
    assert run.allure["Names lead to services"]["description"] == "Why it matters.\n\nIn every namespace."


def test_pytest_shows_the_line_of_the_scenario(trial):
    trial.write("features/a.feature", OUTLINE)
    trial.define("def pytest_itemcollected(item):\n    print('AT', item.reportinfo()[1] + 1, item.name)\n")
    output = trial.run("features", "--collect-only", "-q", "-s").output
    assert f"AT 6 {NAMES}" in output
    assert f"AT 12 {ONE}" in output


def test_tags_are_registered_with_their_meaning(trial):
    trial.write("features/a.feature", OUTLINE.replace("@slow", "@slow @undeclared"))
    trial.define("def pytest_sessionfinish(session):\n    print(*session.config.getini('markers'), sep='\\n')\n")
    run = trial.run("features", "-s")
    assert run.code == 0
    assert "AC01: Services find each other" in run.output
    assert "slow: Takes long" in run.output
    assert "undeclared: a tag of the features" in run.output


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "Feature: f\n  Scenario: Same\n    Then it holds\n\n  Scenario: Same\n    Then it does not hold\n",
            "features/a.feature:5: a second scenario named 'Same' (first on line 2) would replace it silently; "
            "give each its own name",
        ),
        ("Feature: f\n  Scenario: s\n    nonsense\n    Then it holds\n    nonsense\n", "features/a.feature:5: "),
        ("", "features/a.feature:1: there is no Feature in this file"),
    ],
)
def test_a_feature_that_cannot_be_run_as_written_is_refused(trial, text: str, complaint: str):
    trial.write("features/a.feature", text)
    run = trial.run()
    assert run.code == pytest.ExitCode.INTERRUPTED
    assert complaint in run.output
    assert run.summary["scenarios"] == []


def test_a_broken_catalogue_is_refused(trial):
    trial.scenarios(Holds="Then it holds")
    trial.write("features/criteria.yaml", "criteria:\n  AC01:\n")
    run = trial.run()
    assert run.code != 0
    assert "criteria.yaml:2: AC01 needs one sentence that says what it means" in run.output


def test_scenarios_that_differ_in_punctuation_alone_are_two(trial):
    trial.write(
        "features/a.feature",
        "Feature: f\n  Scenario: It is\n    Then it holds\n  Scenario: It is!\n    Then it holds\n",
    )
    summary = trial.run().summary
    assert [each["id"] for each in summary["scenarios"]] == [
        "features/a.feature::test_it_is",
        "features/a.feature::test_it_is_2",
    ]


def test_a_tag_that_skips_is_a_verdict_of_skipped(trial):
    trial.write("features/a.feature", "@AC01\nFeature: f\n  @skip\n  Scenario: Left out\n    Then it does not hold\n")
    run = trial.run()
    assert (run.code, run.verdicts) == (0, {"Left out": "skipped"})
    assert run.reasons == {"Left out": "unconditional skip"}


def test_a_scenario_expected_to_fail_must_fail(trial):
    trial.write(
        "features/a.feature",
        "@AC01 @xfail\nFeature: f\n  Scenario: Red\n    Then it does not hold\n  Scenario: Green\n    Then it holds\n",
    )
    run = trial.run()
    assert run.verdicts == {"Red": "skipped", "Green": "failed"}
    assert run.reasons["Green"] == "[XPASS(strict)] "
