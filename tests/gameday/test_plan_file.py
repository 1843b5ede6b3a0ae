"""The plan of a game day: what is wrong with it is told by line, before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.gameday.plan_file import read_plan
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM = load_system(ROOT / "system.yaml")
FIRST = ROOT / "docs" / "first-gameday.yaml"
TEXT = FIRST.read_text()


def refusal(tmp_path: Path, text: str) -> str:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_plan(file, SYSTEM)
    return str(caught.value).replace(str(file), "plan.yaml")


def line_of(words: str) -> int:
    return next(number for number, line in enumerate(TEXT.splitlines(), 1) if words in line)


def test_the_plan_of_the_first_day_is_good_and_bounded() -> None:
    plan = read_plan(FIRST, SYSTEM)
    assert len(plan.experiments) == 5
    assert plan.experiments[0].wish.services == ("leads",)
    assert plan.stop.error_ratio < 0.5
    least = plan.load.warm_up_seconds + sum(each.pause_seconds for each in plan.experiments)
    assert least < 60 * plan.stop.minutes


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "name: pod-delete",
            "name: pod-delet",
            "experiments[0].name: no experiment is called 'pod-delet'; did you mean",
        ),
        ("[leads]", "[leeds]", "experiments[0].services: there is no service 'leeds'; give "),
        ("users: 8", "users: eight", "load.users: 'eight': input should be a valid integer"),
        ("users: 8", "users: 0", "load.users: 0: input should be greater than or equal to 1"),
        ("users: 8", "users: 8\n  journey: [fly]", "load.journey: 'fly': no such step; choose from "),
        ("minutes: 60", "minutes: 600", "stop.minutes: 600: input should be less than or equal to 220"),
        ("error_ratio: 0.2", "error_rati: 0.2", "stop.error_rati: there is no such field; leave it out"),
        (
            "  - name: node-drain",
            "  - name: node-drain\n    targets: ^a",
            "experiments[4].targets: node-drain chooses no",
        ),
        (
            "    seed: 1",
            "    node: worker",
            "experiments[0].node: pod-delete chooses no node (select one-of-each); leave",
        ),
        ("    seed: 1", "    seed: -1", "experiments[0].seed: -1: input should be greater than or equal to 0"),
    ],
)
def test_each_problem_is_one_line_with_its_place(tmp_path: Path, good: str, bad: str, told: str) -> None:
    line = line_of(good.strip()) + bad.count("\n")
    found = refusal(tmp_path, TEXT.replace(good, bad, 1)).splitlines()
    assert any(each.startswith(f"plan.yaml:{line}: {told}") for each in found), found


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    lines = refusal(tmp_path, "title: a day\nexperiments: []\n").splitlines()
    assert {each.split(": ", 1)[1] for each in lines} >= {"lead: is missing", "stop: is missing", "load: is missing"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "plan.yaml:1: is no mapping; write it as docs/first-gameday.yaml shows"),
        ("a: [\n", "plan.yaml:2: is not YAML: "),
        ("title: a\ntitle: b\n", "plan.yaml:2: title: is given twice, first in line 1; keep one of them"),
    ],
)
def test_what_is_no_plan_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    found = refusal(tmp_path, text)
    assert found.startswith(told)
    assert "\n" not in found


def test_a_plan_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_plan(tmp_path / "none.yaml", SYSTEM)
    assert str(caught.value) == f"{tmp_path}/none.yaml: cannot be read: No such file or directory; see docs/gameday.md"
