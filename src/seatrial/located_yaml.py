"""YAML as plain JSON values that remember where in the file they were written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Loc = tuple[str | int, ...]
"""Path of a value from the top: ``("services", 1, "port")``."""
MOST_VALUES = 20_000
"""More than any description needs; stops aliases of aliases that would expand without end."""
PREFIX = "tag:yaml.org,2002:"
SPECIAL = {
    "merge": "'<<' merges are not supported; write the fields out, or repeat a whole value by an alias",
    "timestamp": "{!r} is read as a date; put it in quotes to make it text",
}


class _Loader(yaml.SafeLoader):
    """The safe loader, which also takes 1e-6 for the number that it is in YAML 1.2 and JSON."""


_Loader.add_implicit_resolver(f"{PREFIX}float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789"))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file; an empty location is the file as a whole."""

    line: int
    loc: Loc
    text: str


@dataclass(slots=True)
class Document:
    """The values of a file with the line of each key or list item, and each scalar as it was written."""

    data: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    written: dict[Loc, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """Return the line of a value, or of the nearest part around it that is in the file."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def read_located(text: str) -> Document:
    """Return the values of one YAML document; whatever is wrong is in its problems, in file order."""
    reader = _Reader(text)
    try:
        node = reader.loader.get_single_node()
        if node is not None:
            reader.found.data = reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.refuse((), f"is not YAML: {error.problem or error.context}", line=mark.line + 1 if mark else 1)
    except RecursionError:
        reader.refuse((), "is nested too deeply")
    return reader.found


class _Reader:
    """Walks a composed document once and notes what it finds."""

    def __init__(self, text: str) -> None:
        self.found = Document()
        self.loader = _Loader(text)
        self._around: list[yaml.Node] = []
        self._count = 0

    def refuse(self, loc: Loc, text: str, line: int | None = None) -> None:
        self.found.problems.append(Problem(line or self.found.line(loc), loc, text))

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self.found.lines.setdefault(loc, node.start_mark.line + 1)
        self._count += 1
        if self._count > MOST_VALUES:
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_VALUES} values", problem_mark=node.start_mark)
        if any(node is outer for outer in self._around):
            return self.refuse(loc, f"is an alias of a part that contains it (line {node.start_mark.line + 1})")
        self._around.append(node)
        try:
            return self._content(node, loc)
        finally:
            self._around.pop()

    def _content(self, node: yaml.Node, loc: Loc) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{PREFIX}seq":
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == f"{PREFIX}map":
            return self._mapping(node, loc)
        return self.refuse(loc, f"the tag {_tag(node)} is not supported; leave it out")

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name, line = key.value, key.start_mark.line + 1
            if key.tag != f"{PREFIX}str":
                kind = _tag(key)
                self.refuse(loc, SPECIAL[kind] if kind == "merge" else f"the key {_shown(key)} is not text", line)
            elif name in found:
                first = self.found.lines[(*loc, name)]
                self.refuse((*loc, name), f"is given twice, first in line {first}; keep one of them", line)
            else:
                self.found.lines[(*loc, name)] = line
                found[name] = self.value(value, (*loc, name))
        return found

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> str | int | float | bool | None:
        self.found.written[loc] = _shown(node)
        kind = _tag(node)
        if kind not in ("str", "int", "float", "bool", "null"):
            self.refuse(loc, SPECIAL.get(kind, f"the tag {kind} is not supported; leave it out").format(node.value))
            return None
        try:
            value: str | int | float | bool | None = self.loader.construct_object(node)
            value.encode() if isinstance(value, str) else None  # a lone surrogate is no text
        except (ValueError, KeyError, IndexError):
            self.refuse(loc, f"{_shown(node)} cannot be read as {kind}")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(loc, f"{node.value} is not a finite number")
            return None
        return value


def _tag(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(PREFIX)


def _shown(node: yaml.Node) -> str:
    """Return a value as the reader of the file knows it: text in quotes, everything else as written."""
    if not isinstance(node, yaml.ScalarNode):
        return "that is a list or a mapping"
    return repr(node.value) if _tag(node) == "str" else str(node.value)
