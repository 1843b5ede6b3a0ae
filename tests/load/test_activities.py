"""The timeline of an experiment, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.load.activities import Activity, read_activities

GOOD = '{"at": 1.5, "event": "start", "type": "action", "name": "kill"}\n'
END = '{"at": 2, "event": "end", "type": "action", "name": "kill", "status": "succeeded"}\n'
PROBE = '{"at": 3, "event": "start", "type": "probe", "name": "effect"}\n'


def test_each_beginning_has_its_end_and_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(f'{GOOD}\n{END}{PROBE}{{"at": 9, "event')
    kill, effect = Activity("kill", "action", 1.5, 2.0), Activity("effect", "probe", 3.0, 3.0)
    assert read_activities(tmp_path / "t.jsonl") == (kill, effect)


def test_what_happens_twice_has_two_ends(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(GOOD + END + GOOD.replace("1.5", "4") + END.replace("2", "5"))
    assert [(each.start, each.end) for each in read_activities(tmp_path / "t.jsonl")] == [(1.5, 2.0), (4.0, 5.0)]


@pytest.mark.parametrize("line", ["no JSON", "[1, 2]", '{"name": "kill"}', GOOD.replace("1.5", "null").strip()])
def test_a_line_that_is_no_event_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{GOOD}{line}\n")
    with pytest.raises(UsageError) as caught:
        read_activities(path)
    assert str(caught.value) == (
        f"--timeline {path}:2: no event of an experiment; "
        "each line is a JSON object with at, event, type, name; times in Unix seconds"
    )


def test_a_timeline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_activities(tmp_path / "none.jsonl")
    assert str(caught.value) == (
        f"--timeline {tmp_path}/none.jsonl: No such file or directory; give the timeline that an experiment wrote"
    )
