"""Evidence: what is kept, under which name, and collectors that must not hide the scenario's own error."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from numpy import array, float64
from pydantic import BaseModel, Field

from seatrial.report.evidence import NAME_LENGTH, Collectors, Evidence, plain, scenario_slug, slug


@dataclass(frozen=True)
class Pod:
    name: str
    ready: bool


class Span(BaseModel):
    from_: int = Field(1, alias="from")


class Pair(NamedTuple):
    left: int
    right: int


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path / "reports" / "evidence" / "ac01-names", tmp_path)


def kept(evidence: Evidence, name: str) -> str:
    return (evidence.root / name).read_text(encoding="utf-8")


def test_the_returned_name_is_a_path_from_the_checkout(evidence: Evidence):
    name = evidence.text("log of leads-7f9c", "first\nsecond\n")
    assert name == "reports/evidence/ac01-names/log-of-leads-7f9c.txt"
    assert kept(evidence, name) == "first\nsecond\n"
    assert evidence.names == [name]


def test_a_folder_outside_the_checkout_is_named_in_full(tmp_path: Path):
    outside = Evidence(tmp_path / "elsewhere", tmp_path / "checkout")
    assert outside.text("events", "none") == str(tmp_path / "elsewhere" / "events.txt")


def test_a_name_that_is_taken_is_numbered(evidence: Evidence):
    names = [evidence.json("Lookups", [number]) for number in range(3)]
    assert [Path(name).name for name in names] == ["lookups.json", "lookups-2.json", "lookups-3.json"]
    assert json.loads(kept(evidence, names[0])) == [0]


def test_a_large_table_is_packed_and_numbered_like_any_other(evidence: Evidence):
    rows = [Pod("leads-a", True), Pod("leads-b", False)]
    first, second = (evidence.packed_csv("requests GET /v1.0", rows) for _ in range(2))
    assert [Path(name).name for name in (first, second)] == ["requests-get-v1.0.csv.gz", "requests-get-v1.0-2.csv.gz"]
    packed = (evidence.root / first).read_bytes()
    assert gzip.decompress(packed).decode() == "name,ready\nleads-a,True\nleads-b,False\n"
    assert packed == (evidence.root / second).read_bytes()
    assert evidence.names == [first, second]


def test_json_keeps_what_checks_hand_over(evidence: Evidence):
    data = {"pod": Pod("leads-ä", True), "names": {"b", "a"}, "at": datetime(2026, 1, 2, tzinfo=UTC)}
    text = kept(evidence, evidence.json("state", data))
    assert json.loads(text) == {
        "pod": {"name": "leads-ä", "ready": True},
        "names": ["a", "b"],
        "at": "2026-01-02T00:00:00+00:00",
    }
    assert "leads-ä" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Span(**{"from": 3}), {"from": 3}),
        (frozenset({2, 1}), [1, 2]),
        (Path("a/b"), "a/b"),
        (float64(1.5), 1.5),
        (array([1, 2]), [1, 2]),
    ],
)
def test_plain_knows_the_types_of_the_trade(value: object, shown: object):
    assert plain(value) == shown


def test_plain_names_the_type_that_it_does_not_know():
    with pytest.raises(TypeError, match=r"^object cannot be kept as JSON evidence; pass a dataclass, mapping or"):
        plain(object())


@pytest.mark.parametrize(
    ("rows", "columns", "text"),
    [
        ([Pod("a", True), Pod("b", False)], (), "name,ready\na,True\nb,False\n"),
        ([{"node": "n1", "count": 2}], (), "node,count\nn1,2\n"),
        ([("n1", "a, b")], ("node", "answers"), 'node,answers\nn1,"a, b"\n'),
        ([Pair(1, 2)], (), "1,2\n"),
        (["word"], (), "word\n"),
        ([], ("node",), "node\n"),
        ([], (), ""),
    ],
)
def test_csv_has_a_header_where_one_is_known(
    evidence: Evidence, rows: Sequence[object], columns: Sequence[str], text: str
):
    assert kept(evidence, evidence.csv("table", rows, columns)) == text


def test_a_picture_is_kept_as_it_is(evidence: Evidence):
    assert (evidence.root / evidence.png("spread", b"\x89PNG\r\n")).read_bytes() == b"\x89PNG\r\n"


def test_each_collector_runs_and_the_same_name_replaces(evidence: Evidence):
    collectors = Collectors()
    collectors.add("events", lambda kept: kept.text("events", "old"))
    collectors.add("events", lambda kept: kept.text("events", "new"))
    collectors.add("logs", lambda kept: kept.text("logs", "lines"))
    assert collectors.run(evidence) == []
    assert [Path(name).name for name in evidence.names] == ["events.txt", "logs.txt"]
    assert kept(evidence, evidence.names[0]) == "new"


def test_a_collector_that_fails_is_told_and_the_next_one_runs(evidence: Evidence):
    def broken(_: Evidence) -> None:
        raise ConnectionError("no route to host")

    collectors = Collectors()
    collectors.add("events", broken)
    collectors.add("logs", lambda kept: kept.text("logs", "lines"))
    assert collectors.run(evidence) == ["events: ConnectionError: no route to host"]
    assert len(evidence.names) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Spread of leads from node/a", "spread-of-leads-from-node-a"),
        ("test_a_b", "test-a-b"),
        ("10.0.0.1 -> 10.0.0.2", "10.0.0.1-10.0.0.2"),
        ("../../etc/passwd", "etc-passwd"),
        ("??", "unnamed"),
    ],
)
def test_slugs_are_safe_file_names(text: str, name: str):
    assert slug(text) == name


def test_long_names_are_cut_and_stay_apart():
    first, second = slug("a" * 200 + "1"), slug("a" * 200 + "2")
    assert len(first) == len(second) == NAME_LENGTH
    assert first != second


def test_a_scenario_has_a_folder_by_file_name_and_example():
    node_id = "features/ac02_load_balancing.feature::test_the_spread_follows[2]"
    assert scenario_slug(node_id) == "ac02-load-balancing-the-spread-follows-2"
