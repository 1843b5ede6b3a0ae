"""Feature files as written: lines, tags, repeated names, and one line for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.report.gherkin import FeatureText, read_feature, shown_path

FEATURE = """\
@AC01 @slow
Feature: Discovery

  Background:
    Given a system

  @critical
  Scenario: Plain
    Then it works

  @AC02
  Rule: A rule
    @HPA
    Scenario Outline: By number
      Then it has <count> replicas

      @chaos
      Examples: few
        | count |
        | 1     |
        | 2     |

      Examples: many
        | count |
        | 9     |
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def read(content: str | bytes) -> FeatureText:
        path = tmp_path / "a.feature"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_feature(path)

    return read


def test_a_scenario_has_its_line_and_the_tags_that_it_inherits(read):
    plain, outline = read(FEATURE).titles
    assert (plain.name, plain.line, plain.tags) == ("Plain", 8, {"AC01", "slow", "critical"})
    assert (outline.name, outline.line) == ("By number", 14)
    assert outline.tags == {"AC01", "slow", "AC02", "HPA", "chaos"}


def test_the_rows_of_all_examples_count(read):
    plain, outline = read(FEATURE).titles
    assert (plain.outline, plain.rows) == (False, 0)
    assert (outline.outline, outline.rows) == (True, 3)


def test_each_tag_is_told_with_its_line(read):
    assert sorted(read(FEATURE).tags, key=lambda tag: tag[1]) == [
        ("AC01", 1),
        ("slow", 1),
        ("critical", 7),
        ("AC02", 11),
        ("HPA", 13),
        ("chaos", 17),
    ]


@pytest.mark.parametrize(
    ("scenario", "outline"),
    [
        ("Scenario: s\n Given x\n", False),
        ("Scenario Outline: s\n Given <x>\n", True),
        ("Scenario Template: s\n Given <x>\n", True),
        ("Example: s\n Given x\n", False),
        ("Scenario: s\n Given <x>\n Examples:\n  | x |\n", True),
    ],
)
def test_an_outline_is_one_by_keyword_or_by_examples(read, scenario: str, outline: bool):
    (title,) = read(f"Feature: f\n{scenario}").titles
    assert (title.outline, title.rows) == (outline, 0)


def test_a_repeated_name_is_told_and_both_scenarios_are_kept(read):
    text = read(
        "Feature: f\nScenario: s\n Given x\nScenario: t\n Given y\nScenario: s\n When z\nScenario: s\n When z\n"
    )
    assert [(first.line, again.line) for first, again in text.repeated()] == [(2, 6), (2, 8)]
    assert [step.name for title in text.titles for step in title.template.steps] == ["x", "y", "z", "z"]
    assert list(text.feature.scenarios) == ["s", "t"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "a.feature:1: there is no Feature in this file"),
        ("# a remark\n", "a.feature:1: there is no Feature in this file"),
        ("# language: xx\nFeature: f\n", "a.feature:1: Language not supported: xx"),
        (
            "Feature: f\nScenario: s\n Given <x>\n Examples:\n  | x |\n  | 1 | 2 |\n",
            "a.feature:6: inconsistent cell count within the table",
        ),
        (
            "Feature: f\nScenario: s\n Given x\n nonsense\n",
            "a.feature:4: Unexpected token found. Check Gherkin syntax near the reported error.",
        ),
        (
            "Feature: f\nScenario: s\n And x\n",
            "a.feature:3: First step in a scenario or background must start with 'Given', 'When' or 'Then', "
            "but got And.",
        ),
        (
            b"Feature: \xff",
            "a.feature: cannot be read: 'utf-8' codec can't decode byte 0xff in position 9: invalid start byte",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_place(read, content: str | bytes, complaint: str):
    with pytest.raises(UsageError) as caught:
        read(content)
    assert str(caught.value) == complaint


def test_a_missing_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^gone\.feature: cannot be read: .*No such file or directory"):
        read_feature(tmp_path / "gone.feature")


def test_paths_are_shown_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shown_path(tmp_path / "here" / "features" / "a.feature") == "features/a.feature"
    assert shown_path(tmp_path / "elsewhere" / "a.feature") == str(tmp_path / "elsewhere" / "a.feature")
    assert shown_path(Path("features")) == "features"
