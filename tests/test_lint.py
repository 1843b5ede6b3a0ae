"""The feature lint: each kind of problem in a small project of its own, and none in this project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from seatrial import lint
from seatrial.paths import ROOT

CATALOGUE = """\
criteria:
  AC01: Services find each other
capabilities:
  gateway: One front door
tags:
  slow: Takes more than a minute
"""
FEATURE = """\
@AC01
Feature: Discovery

  Scenario: Names lead to services
    Given a system
    When a name is looked up
    Then it leads to 3 replicas
    And nothing else answers
"""
STEPS = """\
from pytest_bdd import given, parsers, then, when

@given("a system")
def system(): ...

@when("a name is looked up")
def look_up(): ...

@then(parsers.parse("it leads to {count:d} replicas"))
def leads(count): ...

@then("nothing else answers")
def alone(): ...
"""
OUTLINE = """\
@AC01
Feature: Discovery

  Scenario Outline: Names lead to services
    Given a system
    When a name is looked up
    Then it leads to <replicas> replicas
    And nothing else answers

    Examples:
      | replicas |
"""


class Project:
    """Files in an empty folder, and what the lint says of them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.write("features/a.feature", FEATURE)
        self.write("features/criteria.yaml", CATALOGUE)
        self.write("steps/__init__.py", "")
        self.write("steps/names.py", STEPS)

    def write(self, path: str, text: str) -> None:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")

    def lint(self, features: str = "features", steps: str = "steps") -> tuple[int, list[str], str]:
        """Return the exit code, the lines of standard output, and standard error."""
        code = lint.main([features, steps])
        out, err = self.capsys.readouterr()
        return code, out.splitlines(), err

    def problems(self) -> list[str]:
        code, lines, err = self.lint()
        assert (code, err) == (1, "")
        return lines

    def complaint(self, features: str = "features", steps: str = "steps") -> str:
        code, lines, err = self.lint(features, steps)
        assert (code, lines, err.count("\n")) == (2, [], 1)
        return err.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with mock.patch.dict(sys.modules):
        for name in [name for name in sys.modules if name.partition(".")[0] in ("steps", "fixtures")]:
            del sys.modules[name]
        yield Project(capsys)


def test_this_project_is_clean():
    done = subprocess.run(
        [sys.executable, "-m", "seatrial.lint", "features", "steps"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" steps: no problem\n")


def test_a_clean_project_is_one_line(project: Project):
    assert project.lint() == (0, ["1 features, 1 scenarios, 4 steps: no problem"], "")


def test_step_modules_find_fixtures_and_each_other(project: Project):
    project.write("fixtures/__init__.py", "")
    project.write("fixtures/ground.py", "GROUND = 'solid'\n")
    project.write("steps/more.py", "from fixtures.ground import GROUND\nfrom steps.names import system\n")
    project.write("steps/_private.py", "raise RuntimeError\n")
    assert project.lint()[0] == 0


def test_an_undefined_step_is_told_with_the_nearest_definition(project: Project):
    project.write("features/a.feature", FEATURE + "    And nothing else answered\n    And pigs can fly\n")
    assert project.problems() == [
        "features/a.feature:9: no step definition matches the Then step 'nothing else answered'; "
        "write 'nothing else answers', or define it",
        "features/a.feature:10: no step definition matches the Then step 'pigs can fly'; define it",
    ]


def test_a_keyword_that_and_inherits_counts(project: Project):
    project.write("features/a.feature", FEATURE + "    And a name is looked up\n")
    assert project.problems() == [
        "features/a.feature:9: no step definition matches the Then step 'a name is looked up'; "
        "steps/names.py:6 defines it for When"
    ]


def test_a_definition_without_keyword_fits_any(project: Project):
    project.write("steps/more.py", "from pytest_bdd import step\n\n@step('time passes')\ndef wait(): ...\n")
    project.write("features/a.feature", FEATURE + "    And time passes\n")
    assert project.lint()[0] == 0


def test_every_row_of_an_outline_is_tried(project: Project):
    project.write("features/a.feature", OUTLINE + "      | 3 |\n      | many |\n      | 5 |\n")
    assert project.problems() == [
        "features/a.feature:7: no step definition matches the Then step 'it leads to many replicas'; "
        "write 'it leads to {count:d} replicas', or define it"
    ]


@pytest.mark.parametrize("keyword", ["Scenario Outline", "Scenario Template", "Scenario"])
def test_an_outline_without_rows_is_a_problem_of_its_own(project: Project, keyword: str):
    project.write("steps/names.py", STEPS.replace("{count:d}", "{count}"))
    project.write("features/a.feature", OUTLINE.replace("Scenario Outline", keyword) + "\n")
    project.write("features/b.feature", FEATURE)
    assert project.problems() == [
        "features/a.feature:4: outline 'Names lead to services' has no example rows and proves nothing; "
        "give it rows under 'Examples:'"
    ]


@pytest.mark.parametrize("body", ["async def alone(): ...", "async def alone():\n    yield"])
def test_an_async_step_is_refused(project: Project, body: str):
    project.write("steps/names.py", STEPS.replace("def alone(): ...", body))
    assert project.problems() == [
        "steps/names.py:12: Then 'nothing else answers' is 'async def', which pytest-bdd never awaits: "
        "it always passes; make it a plain 'def'"
    ]


def test_a_definition_that_no_feature_uses_is_told(project: Project):
    project.write("features/a.feature", FEATURE.replace("    And nothing else answers\n", ""))
    assert project.problems() == [
        "steps/names.py:12: no feature uses Then 'nothing else answers'; use it, or remove it"
    ]


def test_two_definitions_of_one_step_are_told(project: Project):
    project.write("steps/more.py", "from pytest_bdd import then\n\n@then('nothing else answers')\ndef f(): ...\n")
    assert project.problems() == [
        "features/a.feature:8: more than one step definition matches 'nothing else answers', "
        "and one is taken silently: steps/more.py:3 and steps/names.py:12; keep one"
    ]


def test_a_second_scenario_of_one_name_is_told_and_its_steps_are_looked_at(project: Project):
    first = "  Scenario: Twice\n    Given a system\n    Then pigs can fly\n"
    second = "  Scenario: Twice\n    Given a system\n"
    project.write("features/a.feature", f"{FEATURE}\n{first}\n{second}")
    assert project.problems() == [
        "features/a.feature:12: no step definition matches the Then step 'pigs can fly'; define it",
        "features/a.feature:14: a second scenario named 'Twice' (first on line 10) would replace it silently; "
        "give each its own name",
    ]


def test_scenarios_of_one_name_in_two_files_are_no_problem(project: Project):
    project.write("features/b.feature", FEATURE)
    assert project.lint() == (0, ["2 features, 2 scenarios, 4 steps: no problem"], "")


def test_a_criterion_without_scenario_is_told(project: Project):
    project.write(
        "features/criteria.yaml", CATALOGUE.replace("capabilities:", "  AC02: Traffic is balanced\ncapabilities:")
    )
    assert project.problems() == [
        "features/criteria.yaml:3: AC02 has no scenario; tag one with @AC02, or move it to 'planned'"
    ]


def test_a_planned_criterion_needs_no_scenario(project: Project):
    project.write("features/criteria.yaml", f"{CATALOGUE}planned:\n  AC02: Traffic is balanced\n")
    assert project.lint()[0] == 0


def test_a_scenario_without_criterion_is_told(project: Project):
    bare = "Feature: Bare\n  @slow\n  Scenario: Proves nothing\n    Given a system\n"
    project.write("features/b.feature", bare)
    assert project.problems() == [
        "features/b.feature:3: scenario 'Proves nothing' proves no criterion; "
        "tag it, its rule or its feature, for instance with @AC01"
    ]


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("slwo", "write @slow, or declare it"),
        ("gatway", "write @gateway, or declare it"),
        ("AC99", "declare it"),
        ("normale", "write @normal, or declare it"),
    ],
)
def test_an_unknown_tag_is_told_with_the_nearest_known(project: Project, tag: str, right: str):
    project.write("features/a.feature", FEATURE.replace("  Scenario:", f"  @{tag} @critical\n  Scenario:"))
    assert project.problems() == [
        f"features/a.feature:4: the catalogue does not know @{tag}; {right} in features/criteria.yaml"
    ]


def test_a_scenario_of_no_steps_but_the_background_proves_nothing(project: Project):
    empty = "@AC01\nFeature: Empty\n  Background:\n    Given a system\n  Scenario: Nothing\n"
    project.write("features/b.feature", empty)
    assert project.problems() == [
        "features/b.feature:5: scenario 'Nothing' has no steps of its own and proves nothing; write them, or remove it"
    ]


def test_a_feature_without_scenario_is_told(project: Project):
    project.write("features/b.feature", "\n@AC01\nFeature: Empty\n")
    assert project.problems() == ["features/b.feature:3: this feature has no scenario; write one, or remove the file"]


def test_all_problems_are_told_at_once_by_file_and_line(project: Project):
    project.write("features/a.feature", FEATURE + "    And pigs can fly\n")
    project.write("features/b.feature", "@odd\nFeature: Bare\n  Scenario: Bare\n    Given b system\n")
    project.write("steps/names.py", STEPS + "\n@then('it is unused')\nasync def unused(): ...\n")
    places = [line.split(": ")[0] for line in project.problems()]
    assert places == [
        "features/a.feature:9",
        "features/b.feature:1",
        "features/b.feature:3",
        "features/b.feature:4",
        "steps/names.py:15",
        "steps/names.py:15",
    ]


def test_a_missing_folder_is_bad_usage(project: Project):
    assert project.complaint(features="feature") == "seatrial.lint: feature: no such folder"
    assert project.complaint(steps="step") == "seatrial.lint: step: no such folder"


def test_folders_without_their_files_are_bad_usage(project: Project):
    assert project.complaint("steps", "features") == "seatrial.lint: steps: holds no .feature file"
    assert project.complaint("features", "features") == "seatrial.lint: features: holds no step module"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1: there is no Feature in this file"),
        (f"{OUTLINE}      | 3 | 4 |\n", "12: inconsistent cell count within the table"),
        (f"{FEATURE}    sometimes\n", "9: Unexpected token found. Check Gherkin syntax near the reported error."),
    ],
)
def test_a_feature_that_cannot_be_parsed_is_one_line(project: Project, text: str, complaint: str):
    project.write("features/a.feature", text)
    assert project.complaint() == f"seatrial.lint: features/a.feature:{complaint}"


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import math\nimport nowhere\n", "2: cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("\n\ndef f(:\n", "3: cannot be imported: SyntaxError: invalid syntax (names.py, line 3)"),
        ("exit('leave')\n", "1: cannot be imported: SystemExit: leave"),
        ("raise ValueError('a\\nb')\n", "1: cannot be imported: ValueError: a"),
        ("import pytest\npytest.importorskip('nowhere')\n", "2: cannot be imported: Skipped: could not import"),
    ],
)
def test_a_step_module_that_cannot_be_imported_is_one_line(project: Project, code: str, complaint: str):
    project.write("steps/names.py", code)
    assert project.complaint().startswith(f"seatrial.lint: steps/names.py:{complaint}")


def test_a_module_of_the_same_name_in_the_way_is_told(project: Project):
    project.write("json/decoder.py", STEPS)
    complaint = project.complaint(steps="json")
    assert complaint.startswith("seatrial.lint: json/decoder.py:1: ")
    assert complaint.endswith("json/decoder.py is imported instead; rename the folder")


def test_a_broken_catalogue_is_one_line(project: Project):
    project.write("features/criteria.yaml", "criteria:\n  AC01:\n")
    complaint = "features/criteria.yaml:2: AC01 needs one sentence that says what it means"
    assert project.complaint() == f"seatrial.lint: {complaint}"
