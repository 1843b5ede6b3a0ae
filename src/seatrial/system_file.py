"""Reads ``system.yaml``: every problem at once, each in one line with its place in the file and what would be right."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

from seatrial.cross_checks import cross_problems, nearest
from seatrial.errors import UsageError
from seatrial.located_yaml import Document, Loc, Problem, read_located
from seatrial.plain_words import noun, required, right, schema_of
from seatrial.system import System

OUT_OF_RANGE = ("greater_than", "less_than")
"""Beginnings of pydantic's error types for a number of the right type."""


def load_system(path: Path) -> System:
    """Return the system that a file describes; raises UsageError that tells all problems, one line each."""
    return parse_system(_read(path), shown(path))


def parse_system(text: str, source: str) -> System:
    """Return the system that a text describes; ``source`` is how problems name the file."""
    try:
        document = read_located(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"the character U+{error.character:04X} is not allowed"
        raise UsageError(f"{source}:{line}: is not YAML: {what}") from None
    if not isinstance(document.data, dict):
        document.problems.append(_no_mapping(document))
        raise _error(source, document.problems[:1])
    system, problems = _judge(document)
    if system is None or problems:
        raise _error(source, problems)
    return system


def _read(path: Path) -> str:
    where = shown(path)
    if path.is_dir():
        raise UsageError(f"{where}: is a folder", remedy="name the file in it that describes the system")
    try:
        content = path.read_bytes()
        return content.decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"{where}: there is no such file", remedy="write it as docs/configuration.md shows") from None
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}:{line}: is not UTF-8 text", remedy="save the file as UTF-8") from None


def shown(path: Path) -> str:
    """Return a path as short as the reader knows it: from the current folder when it lies there."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _error(source: str, problems: list[Problem]) -> UsageError:
    ordered = sorted(problems, key=lambda problem: problem.line)
    return UsageError("\n".join(f"{source}:{each.line}: {field_path(each.loc)}{each.text}" for each in ordered))


def field_path(loc: Loc) -> str:
    """Return a location as its reader writes it, with a colon: ``services[1].port: ``; empty for the whole file."""
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return f"{told.removeprefix('.')}: " if told else ""


def _no_mapping(document: Document) -> Problem:
    what = "is empty" if document.data is None else "is not a mapping of fields"
    return Problem(document.line(()), (), f"{what}; give at least {', '.join(required(schema_of(())))}")


def _judge(document: Document) -> tuple[System | None, list[Problem]]:
    """Return the system, if the model accepts it, and all problems of file, model and cross checks."""
    system, found = None, list(cross_problems(document.data))
    try:
        system = System.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        found += [_finding(document, each) for each in error.errors(include_url=False) if _is_written(document, each)]
    return system, document.problems + [Problem(document.line(loc), loc, text) for loc, text in found]


def _is_written(document: Document, error: ErrorDetails) -> bool:
    """Answer whether an error is of the file: not of a value that was refused already, or that the model made."""
    loc: Loc = error["loc"]
    if error["input"] is None and any(problem.loc == loc for problem in document.problems):
        return False
    if error["type"] == "too_short" and error["input"]:
        return False  # only items that are good were counted, and the others are told
    return error["type"] == "missing" or loc in document.lines


def _finding(document: Document, error: ErrorDetails) -> tuple[Loc, str]:
    loc: Loc = error["loc"]
    if error["type"] == "missing":
        return loc, f"is missing; give {right(schema_of(loc))}"
    if error["type"] == "extra_forbidden":
        known = list(schema_of(loc[:-1])["properties"])
        return loc, f"there is no such field; {nearest(str(loc[-1]), known, 'leave it out')}"
    quotes = ", in quotes" if error["type"] == "string_type" and loc in document.written else ""
    return loc, f"{_fault(document, loc, error)}; give {right(schema_of(loc))}{quotes}"


def _fault(document: Document, loc: Loc, error: ErrorDetails) -> str:
    """Return what is wrong with a value, which is told as it was written."""
    value = error["input"]
    if value is None or value == "" or value == []:
        return "is empty"
    told = "a list" if isinstance(value, list) else document.written.get(loc, "a mapping")
    if error["type"].startswith(OUT_OF_RANGE):
        return f"{told} is out of range"
    return f"{told} is not {noun(schema_of(loc))}"
