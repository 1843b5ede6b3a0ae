"""The criteria and the other tags that scenarios may carry, declared beside the features in ``criteria.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from seatrial.errors import UsageError

FILE = "criteria.yaml"
SECTIONS = ("criteria", "planned", "capabilities", "tags")
SEVERITIES = ("blocker", "critical", "normal", "minor", "trivial")
"""Tags that set Allure's severity; always known."""

_NUMBERED = re.compile(r"AC\d\d")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What each tag means."""

    path: Path
    criteria: Mapping[str, str] = field(default_factory=dict)
    """Criteria that must have a scenario: id to sentence."""
    planned: Mapping[str, str] = field(default_factory=dict)
    """Criteria that may have one."""
    capabilities: Mapping[str, str] = field(default_factory=dict)
    """What a scenario needs of its overlay: id to sentence."""
    tags: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    """Line of each entry in the file."""

    def is_criterion(self, tag: str) -> bool:
        """Tell a criterion from another tag; ``AC`` and two digits is one even where nothing is declared."""
        return tag in self.criteria or tag in self.planned or _NUMBERED.fullmatch(tag) is not None

    def knows(self, tag: str) -> bool:
        return tag in SEVERITIES or any(tag in getattr(self, section) for section in SECTIONS)

    def meaning(self, tag: str) -> str:
        """Return the sentence of a tag, empty when it has none."""
        return next((found for section in SECTIONS if (found := getattr(self, section).get(tag))), "")


def load_catalogue(path: Path) -> Catalogue:
    """Read the file; raises UsageError with its line when it is missing or malformed."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy="declare the criteria there, id: sentence") from error
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise UsageError(f"{path}: cannot be read: {error.reason}", remedy="write it in UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: not YAML: {error.problem}") from error
    sections: dict[str, dict[str, str]] = {name: {} for name in SECTIONS}
    lines: dict[str, int] = {}
    for name, node, line in _entries(root, path):
        if name not in SECTIONS:
            raise UsageError(f"{path}:{line}: {name!r} is no section", remedy=f"use one of {', '.join(SECTIONS)}")
        for tag, meaning, at in _entries(node, path):
            if tag in lines:
                raise UsageError(f"{path}:{at}: {tag} is declared twice, first on line {lines[tag]}")
            if not isinstance(meaning, yaml.ScalarNode) or not meaning.value.strip():
                raise UsageError(f"{path}:{at}: {tag} needs one sentence that says what it means")
            sections[name][tag] = meaning.value.strip()
            lines[tag] = at
    return Catalogue(path, **sections, lines=lines)


def find_catalogue(folder: Path) -> Catalogue:
    """Read the catalogue of a folder or of the nearest folder above it; an empty one when there is none."""
    path = next((parent / FILE for parent in (folder, *folder.parents) if (parent / FILE).is_file()), None)
    return load_catalogue(path) if path else Catalogue(folder / FILE)


def _entries(node: yaml.Node | None, path: Path) -> list[tuple[str, yaml.Node, int]]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise UsageError(f"{path}:{line}: a mapping is wanted here, for instance 'AC01: Services find each other'")
    return [(str(key.value), value, key.start_mark.line + 1) for key, value in node.value]
