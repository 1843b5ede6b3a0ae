"""The catalogue of criteria and tags: what it knows, where it is found, how it complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.report.catalogue import Catalogue, find_catalogue, load_catalogue

TEXT = """\
# remark
criteria:
  AC01: Services find each other
planned:
  HPA: Services scale on demand
capabilities:
  gateway: One front door
tags:
  slow: Takes more than a minute
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("criteria.yaml").write_text(TEXT, encoding="utf-8")
    return Path("criteria.yaml")


def test_each_entry_has_its_sentence_and_line(path: Path):
    catalogue = load_catalogue(path)
    assert catalogue.criteria == {"AC01": "Services find each other"}
    assert catalogue.lines == {"AC01": 3, "HPA": 5, "gateway": 7, "slow": 9}
    assert [catalogue.meaning(tag) for tag in ("AC01", "HPA", "gateway", "slow", "critical")] == [
        "Services find each other",
        "Services scale on demand",
        "One front door",
        "Takes more than a minute",
        "",
    ]


@pytest.mark.parametrize(
    ("tag", "known", "criterion"),
    [
        ("AC01", True, True),
        ("HPA", True, True),
        ("gateway", True, False),
        ("slow", True, False),
        ("critical", True, False),
        ("AC99", False, True),
        ("AC1", False, False),
        ("AC011", False, False),
        ("fast", False, False),
    ],
)
def test_a_criterion_is_told_from_another_tag(path: Path, tag: str, known: bool, criterion: bool):
    catalogue = load_catalogue(path)
    assert (catalogue.knows(tag), catalogue.is_criterion(tag)) == (known, criterion)


def test_the_nearest_catalogue_above_is_taken(path: Path, tmp_path: Path):
    below = tmp_path / "features" / "deep"
    below.mkdir(parents=True)
    assert find_catalogue(below).path == tmp_path / "criteria.yaml"
    (tmp_path / "features" / "criteria.yaml").write_text("criteria:\n  AC02: Nearer\n", encoding="utf-8")
    assert list(find_catalogue(below).criteria) == ["AC02"]


def test_without_a_catalogue_there_is_an_empty_one(tmp_path: Path):
    assert find_catalogue(tmp_path) == Catalogue(tmp_path / "criteria.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "criteria.yaml:1: a mapping is wanted here, for instance 'AC01: Services find each other'"),
        ("- AC01\n", "criteria.yaml:1: a mapping is wanted here, for instance 'AC01: Services find each other'"),
        (
            "tags:\n  - slow\n",
            "criteria.yaml:2: a mapping is wanted here, for instance 'AC01: Services find each other'",
        ),
        (
            "tags:\n  slow: x\nlabels:\n",
            "criteria.yaml:3: 'labels' is no section; use one of criteria, planned, capabilities, tags",
        ),
        ("criteria:\n  A: x\ntags:\n  A: y\n", "criteria.yaml:4: A is declared twice, first on line 2"),
        ("tags:\n  slow: x\n  slow: x\n", "criteria.yaml:3: slow is declared twice, first on line 2"),
        ("criteria:\n  A: [x]\n", "criteria.yaml:2: A needs one sentence that says what it means"),
        ("criteria:\n  A: ' '\n", "criteria.yaml:2: A needs one sentence that says what it means"),
        ("criteria:\n  A: 'x\n", "criteria.yaml:3: not YAML: found unexpected end of stream"),
        (b"tags: \xff", "criteria.yaml: cannot be read: invalid start byte; write it in UTF-8"),
        ("tags: \x07", "criteria.yaml: cannot be read: special characters are not allowed; write it in UTF-8"),
    ],
)
def test_a_malformed_catalogue_is_told_with_its_line(path: Path, text: str | bytes, complaint: str):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        load_catalogue(path)
    assert str(caught.value) == complaint


def test_a_missing_catalogue_is_told():
    with pytest.raises(UsageError) as caught:
        load_catalogue(Path("/nowhere/criteria.yaml"))
    assert str(caught.value) == (
        "/nowhere/criteria.yaml: No such file or directory; declare the criteria there, id: sentence"
    )
