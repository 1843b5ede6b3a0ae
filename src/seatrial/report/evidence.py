"""Evidence of a scenario: raw data and pictures, kept as files under ``reports/`` and attached to the Allure report."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import allure
from pydantic import BaseModel

NAME_LENGTH = 100
"""Longest folder or file name made from a scenario's id, in characters."""

Collector = Callable[["Evidence"], None]


@dataclass
class Evidence:
    """Writes what one scenario has to show; each method returns the name to quote in a failure text."""

    folder: Path
    root: Path
    """What returned names are relative to (the checkout)."""
    names: list[str] = field(default_factory=list)

    def json(self, name: str, data: object) -> str:
        """Keep any data: dataclasses, mappings, sequences, sets and plain values."""
        text = json.dumps(data, indent=1, default=plain, ensure_ascii=False)
        return self._keep(name, "json", text, allure.attachment_type.JSON)

    def csv(self, name: str, rows: Sequence[object], columns: Sequence[str] = ()) -> str:
        """Keep a table: dataclasses, mappings, or sequences (then ``columns`` names the columns)."""
        return self._keep(name, "csv", _table(rows, columns), allure.attachment_type.CSV)

    def packed_csv(self, name: str, rows: Sequence[object], columns: Sequence[str] = ()) -> str:
        """Keep a large table beside the report, packed by gzip: thousands of raw records are no reading matter."""
        return self._store(name, "csv.gz", gzip.compress(_table(rows, columns).encode(), mtime=0))

    def png(self, name: str, picture: bytes) -> str:
        """Keep a picture (see :mod:`seatrial.report.plots`)."""
        return self._keep(name, "png", picture, allure.attachment_type.PNG)

    def text(self, name: str, text: str) -> str:
        return self._keep(name, "txt", text, allure.attachment_type.TEXT)

    def _keep(self, name: str, suffix: str, body: str | bytes, kind: allure.attachment_type) -> str:
        allure.attach(body, name, kind)
        return self._store(name, suffix, body)

    def _store(self, name: str, suffix: str, body: str | bytes) -> str:
        path = _free(self.folder, slug(name), suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode() if isinstance(body, str) else body)
        shown = str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
        self.names.append(shown)
        return shown


@dataclass
class Collectors:
    """What to gather when a scenario does not pass: events, endpoints, pod logs, raw records."""

    _collect: dict[str, Collector] = field(default_factory=dict)

    def add(self, name: str, collect: Collector) -> None:
        """Register ``collect(evidence)`` under a name that says what it gathers; the same name replaces."""
        self._collect[name] = collect

    def run(self, evidence: Evidence) -> list[str]:
        """Run all of them; return one line for each that failed, for its error must not hide the scenario's own."""
        troubles = []
        for name, collect in self._collect.items():
            try:
                collect(evidence)
            except Exception as error:
                troubles.append(f"{name}: {type(error).__name__}: {error}")
        return troubles


def scenario_slug(node_id: str) -> str:
    """Return a folder name for a scenario: feature file, scenario, example."""
    path, _, test = node_id.partition("::")
    return slug(f"{Path(path).stem}-{test.removeprefix('test_')}")


def slug(text: str) -> str:
    """Return a file name; what is too long is cut and marked with a hash, so that two names stay two."""
    name = re.sub(r"[^\w.]+", "-", text).replace("_", "-").strip("-.").lower() or "unnamed"
    if len(name) <= NAME_LENGTH:
        return name
    return f"{name[: NAME_LENGTH - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def plain(value: object) -> Any:
    """Turn what JSON does not know into what it knows; raises TypeError for the rest."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    to_list = getattr(value, "tolist", None)  # NumPy's numbers and arrays
    if callable(to_list):
        return to_list()
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON evidence; pass a dataclass, mapping or sequence")


def _table(rows: Sequence[object], columns: Sequence[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    header = columns or (_columns(rows[0]) if rows else ())
    if header:
        writer.writerow(header)
    writer.writerows(_cells(row) for row in rows)
    return buffer.getvalue()


def _columns(row: object) -> list[str]:
    if is_dataclass(row):
        return [each.name for each in fields(row)]
    return [str(key) for key in row] if isinstance(row, Mapping) else []


def _cells(row: object) -> list[object]:
    if is_dataclass(row):
        return [getattr(row, each.name) for each in fields(row)]
    if isinstance(row, Mapping):
        return list(row.values())
    return list(row) if isinstance(row, Sequence) and not isinstance(row, str) else [row]


def _free(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path, numbered when it is taken."""
    number, free = 2, folder / f"{stem}.{suffix}"
    while free.exists():
        free, number = folder / f"{stem}-{number}.{suffix}", number + 1
    return free
