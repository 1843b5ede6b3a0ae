"""One load from start to results: nothing that goes wrong costs what was recorded before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import pytest

from seatrial.errors import EnvironmentFault, UsageError
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.load.session import Stopped, Worked, conclude, prepare, work
from seatrial.progress import Phases

RECORD = LoadRecord(tuple(LoadRequest(1000.0 + number, 0.02, "look", 200, "", "") for number in range(10)))
FAILED = LoadRecord((LoadRequest(1000.0, 0.02, "look", 0, "ConnectionError", ""),))


class Shoppers:
    """Customers that do what a test says; ``left`` tells whether they were sent home."""

    def __init__(self, **trouble: BaseException) -> None:
        self.trouble = trouble
        self.left = False
        self.missing: tuple[str, ...] = ()

    def _do(self, what: str) -> None:
        if what in self.trouble:
            raise self.trouble[what]

    def __enter__(self) -> Self:
        self._do("start")
        return self

    def __exit__(self, *error: Any) -> None:
        self.left = True
        self._do("leave")

    def wait(self, seconds: float) -> None:
        self._do("wait")

    def so_far(self) -> LoadRecord:
        return RECORD

    def stop(self) -> LoadRecord:
        self._do("stop")
        return RECORD

    def lost(self) -> tuple[str, ...]:
        return self.missing


FAULT = EnvironmentFault("the node is gone")


def troubles(shoppers: Shoppers) -> list[str]:
    worked = work(shoppers, 1, Phases())
    assert worked.record == RECORD
    assert shoppers.left
    return [str(each) for each in worked.troubles]


def test_a_load_that_nothing_troubles_is_its_record() -> None:
    assert troubles(Shoppers()) == []


@pytest.mark.parametrize("moment", ["wait", "stop", "leave"])
def test_a_fault_on_the_way_costs_no_record(moment: str) -> None:
    assert troubles(Shoppers(**{moment: FAULT})) == ["the node is gone"]


def test_a_load_that_cannot_begin_is_an_error_at_once() -> None:
    with pytest.raises(EnvironmentFault, match="the node is gone"):
        work(Shoppers(start=FAULT), 1, Phases())


def test_ctrl_c_ends_the_load_and_keeps_what_was_until_then() -> None:
    assert troubles(Shoppers(wait=KeyboardInterrupt())) == ["interrupted; the results tell what was until then"]
    assert Stopped.exit_code == 130


def test_records_of_a_lost_worker_are_told_as_missing() -> None:
    shoppers = Shoppers()
    shoppers.missing = ("worker-1: no answer",)
    assert troubles(shoppers) == ["records are missing: worker-1: no answer"]


def concluded(folder: Path, worked: Worked, timeline: Path | None = None) -> tuple[list[str], dict[str, Any]]:
    prepare(folder)
    found = conclude(folder, worked, {"system": "shop"}, {"locust": "2"}, timeline)
    return [str(each) for each in found], json.loads((folder / "load.json").read_text())


def test_results_tell_what_went_wrong_in_a_line_each_and_keep_what_locust_wrote(tmp_path: Path) -> None:
    fault = EnvironmentFault("it ended:\n  by itself")
    found, facts = concluded(tmp_path, Worked(RECORD, (fault,)))
    assert (found, facts["notes"]) == (["it ended:\n  by itself"], ["it ended:"])
    assert (tmp_path / "work").is_dir()


def test_a_load_without_trouble_leaves_its_results_only(tmp_path: Path) -> None:
    assert concluded(tmp_path, Worked(RECORD)) == ([], json.loads((tmp_path / "load.json").read_text()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load.csv.gz", "load.html", "load.json"]


@pytest.mark.parametrize(("record", "told"), [(FAILED, "1 × look: ConnectionError"), (LoadRecord(()), "none was made")])
def test_a_load_without_a_success_is_told(tmp_path: Path, record: LoadRecord, told: str) -> None:
    assert concluded(tmp_path, Worked(record))[0] == [f"no request succeeded: {told}; see 'seatrial status'"]


def test_the_timeline_may_come_while_the_load_goes_on(tmp_path: Path) -> None:
    timeline = tmp_path / "timeline.jsonl"
    lines = ('{"at": 1003.0, "event": "start"', '{"at": 1005.0, "event": "end"')
    timeline.write_text("".join(f'{line}, "type": "action", "name": "kill"}}\n' for line in lines))
    found, facts = concluded(tmp_path, Worked(RECORD), timeline)
    assert (found, [each["phase"] for each in facts["phases"]]) == ([], ["before", "kill", "after"])


@pytest.mark.parametrize("text", [None, "no JSON\n"])
def test_a_timeline_that_is_none_costs_no_result(tmp_path: Path, text: str | None) -> None:
    timeline = tmp_path / "timeline.jsonl"
    if text:
        timeline.write_text(text)
    found, facts = concluded(tmp_path, Worked(RECORD), timeline)
    assert found[0].startswith(f"--timeline {timeline}")
    assert (facts["phases"], facts["notes"], facts["all"]["requests"]) == ([], found, 10)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        prepare(tmp_path / "file" / "load")
    assert str(caught.value) == (
        f"--reports {tmp_path}/file/load: cannot be written: Not a directory; give a folder of your own"
    )
