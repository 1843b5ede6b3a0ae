"""Reads experiments: every problem in one line with its place in the file and what would be right; nothing is imported.

What only Chaos Toolkit can tell (a function that does not exist, arguments that it does not take) is asked of it in a
process of its own: :mod:`seatrial.chaos.lint`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from seatrial.chaos.experiment import Document, Experiment
from seatrial.chaos.experiment_rules import flaws
from seatrial.chaos.extension import NAME, Extension
from seatrial.errors import UsageError
from seatrial.located_yaml import Document as Located
from seatrial.located_yaml import Loc, read_located
from seatrial.paths import ROOT
from seatrial.system_file import field_path, shown

FOLDER = ROOT / "experiments"
T = TypeVar("T")
Flaws = list[tuple[Loc, str]]


def experiments(folder: Path = FOLDER) -> list[Experiment]:
    """Return all experiments of a folder, by name; raises UsageError when it has none, or one that is not fit."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise UsageError(f"{shown(folder)}: holds no experiment")
    return [read_experiment(path) for path in paths]


def find_experiment(name: str, folder: Path = FOLDER) -> Path:
    """Return the file of an experiment; raises UsageError when there is none of that name."""
    path = Path(name) if "/" in name else folder / f"{name}.yaml"
    if path.is_file():
        return path.resolve()
    known = sorted(each.stem for each in folder.glob("*.yaml"))
    near = get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise UsageError(f"no experiment is called {name!r}", remedy=remedy)


def read_experiment(path: Path) -> Experiment:
    """Return the experiment of a file; raises UsageError that tells all problems, one line each."""
    return read_judged(path, lambda located: _judge(path, located))


def read_judged(path: Path, judge: Callable[[Located], tuple[T | None, Flaws]], unreadable: str = "") -> T:
    """Return what ``judge`` makes of a YAML file; raises UsageError that tells all its problems, one line each.

    ``unreadable`` is the remedy where the file cannot be read at all.
    """
    where = shown(path)
    try:
        located = read_located(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {error.strerror}", remedy=unreadable) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{where}: is not YAML: {' '.join(str(error).split())}") from None
    found = [(each.line, f"{field_path(each.loc)}{each.text}") for each in located.problems]
    judged = None
    if not found:
        judged, problems = judge(located)
        found = [(located.line(loc), f"{field_path(loc)}{text}") for loc, text in problems]
    if judged is None or found:
        raise UsageError("\n".join(f"{where}:{line}: {text}" for line, text in sorted(found)))
    return judged


def _judge(path: Path, located: Located) -> tuple[Experiment | None, Flaws]:
    if not isinstance(located.data, dict):
        return None, [((), "is no mapping; write it as experiments/README.md shows")]
    document, problems = _validated(Document, located.data, ())
    extension, more = _extension(located.data.get("extensions"))
    if document is None or extension is None:
        return None, problems + more
    return Experiment(path, document, extension), list(flaws(path.stem, document, extension))


def _extension(given: Any) -> tuple[Extension | None, Flaws]:
    listed = given if isinstance(given, list) else []
    ours = [index for index, each in enumerate(listed) if isinstance(each, dict) and each.get("name") == NAME]
    if len(ours) != 1:
        many = "are several" if ours else "is no"
        return None, [(("extensions",), f"there {many} {NAME!r}; write one, as experiments/README.md shows")]
    return _validated(Extension, listed[ours[0]], ("extensions", ours[0]))


def _validated(model: Any, value: Any, beneath: Loc) -> tuple[Any, Flaws]:
    try:
        return model.model_validate_json(json.dumps(value)), []
    except ValidationError as error:
        return None, list(findings(error, beneath))


def findings(error: ValidationError, beneath: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Yield pydantic's findings in words: which field, what is wrong, what would be right."""
    for each in error.errors(include_url=False):
        loc: Loc = (*beneath, *each["loc"])
        if each["type"] == "missing":
            yield loc, "is missing"
        elif each["type"] == "extra_forbidden":
            yield loc, "there is no such field; leave it out"
        else:
            message = each["msg"].removeprefix("Value error, ")
            yield (
                loc,
                message if each["type"] == "value_error" else f"{each['input']!r}: {message[0].lower()}{message[1:]}",
            )
