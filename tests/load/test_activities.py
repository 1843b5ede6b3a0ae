"""The timeline of an experiment, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.load.activities import Activity, read_activities

GOOD = '{"activity": "kill", "type": "action", "start": 1.5, "end": 2, "status": "succeeded"}\n'


def test_each_line_is_an_activity_and_one_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(f'{GOOD}\n{GOOD}{{"activity": "hea')
    assert read_activities(tmp_path / "t.jsonl") == (Activity("kill", "action", 1.5, 2.0),) * 2


@pytest.mark.parametrize("line", ["no JSON", "[1, 2]", '{"activity": "kill"}', GOOD.replace("1.5", "null").strip()])
def test_a_line_that_is_no_activity_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{GOOD}{line}\n")
    with pytest.raises(UsageError) as caught:
        read_activities(path)
    assert str(caught.value) == (
        f"--timeline {path}:2: no activity of an experiment; "
        "each line is a JSON object with activity, type, start, end; times in Unix seconds"
    )


def test_a_timeline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_activities(tmp_path / "none.jsonl")
    assert str(caught.value) == (
        f"--timeline {tmp_path}/none.jsonl: No such file or directory; give the timeline that an experiment wrote"
    )
