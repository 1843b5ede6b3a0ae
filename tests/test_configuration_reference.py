"""The reference of system.yaml: up to date, complete, and its example works."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from seatrial import configuration_reference, system, system_gateway, tolerances
from seatrial.configuration_reference import PLACE, main, reference
from seatrial.system_file import parse_system
from seatrial.system_values import Model

MODELS = sorted(
    {
        each
        for module in (system, system_gateway, tolerances)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Model) and each is not Model
    },
    key=lambda each: each.__name__,
)


def rows() -> Iterator[list[str]]:
    """Yield the cells of each field's row."""
    for line in reference().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) == 4 and cells[0].startswith("`"):
            yield cells


def test_the_page_is_up_to_date():
    told = "docs/configuration.md is out of date: run python -m seatrial.configuration_reference --write"
    assert PLACE.read_text(encoding="utf-8") == reference(), told


def test_the_minimal_example_loads():
    (example,) = re.findall(r"```yaml\n(.*?)```", PLACE.read_text(encoding="utf-8"), flags=re.DOTALL)
    loaded = parse_system(example, "example")
    assert [service.name for service in loaded.services] == ["web", "stock"]
    assert len(loaded.edges) == 1


def test_every_field_of_every_part_has_a_row():
    expected = [info.alias or name for model in MODELS for name, info in model.model_fields.items()]
    assert sorted(cells[0].strip("`") for cells in rows()) == sorted(expected)


@pytest.mark.parametrize("cells", list(rows()), ids=lambda cells: cells[0])
def test_every_field_is_explained(cells: list[str]):
    assert all(cells), cells
    assert "``" not in cells[3]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_required_marks_what_has_no_default(model: type[BaseModel]):
    required = {info.alias or name for name, info in model.model_fields.items() if info.is_required()}
    title = configuration_reference.TITLES.get(model.__name__, model.__name__)
    section = reference().split(f"\n## {title}\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` .*\*\*required\*\*", section, flags=re.MULTILINE)) == required


def test_every_link_leads_to_a_section():
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", reference(), re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]+)\)", reference()))
    assert links
    assert links <= headings


def test_it_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["configuration_reference"])
    main()
    assert capsys.readouterr().out == reference()


def test_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written = tmp_path / "configuration.md"
    monkeypatch.setattr(sys, "argv", ["configuration_reference", "--write"])
    monkeypatch.setattr(configuration_reference, "PLACE", written)
    main()
    assert written.read_text(encoding="utf-8") == reference()
