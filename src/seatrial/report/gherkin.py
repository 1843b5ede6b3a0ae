"""Feature files as they are written: what pytest-bdd's own model drops (lines of tags, repeated names) is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_bdd import gherkin_parser as raw
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.feature import get_feature
from pytest_bdd.parser import Feature, FeatureParser, ScenarioTemplate

from seatrial.errors import UsageError


@dataclass(frozen=True, slots=True)
class Title:
    """A scenario as written."""

    name: str
    line: int
    tags: frozenset[str]
    """Its own, and those of its rule, its feature and its examples."""
    outline: bool
    rows: int
    """Rows of examples; 0 when there are none."""
    template: ScenarioTemplate = field(repr=False)
    """pytest-bdd's model of it, also where a later scenario of the same name replaces it in the feature."""


@dataclass(frozen=True, slots=True)
class FeatureText:
    """One feature file."""

    path: Path
    feature: Feature
    """pytest-bdd's model: of two scenarios of one name it holds the last."""
    titles: tuple[Title, ...]
    tags: tuple[tuple[str, int], ...]
    """Each tag as often as it is written, with its line."""

    def repeated(self) -> Iterator[tuple[Title, Title]]:
        """Yield (first, again) for each scenario name that is used more than once."""
        first: dict[str, Title] = {}
        for title in self.titles:
            earlier = first.setdefault(title.name, title)
            if earlier is not title:
                yield earlier, title


def read_feature(path: Path) -> FeatureText:
    """Parse a feature file; raises UsageError as ``file:line: what is wrong``."""
    shown = shown_path(path)
    try:
        document = raw.get_gherkin_document(str(path))
        feature = get_feature(str(path.parent), path.name)
    except GherkinParseError as error:
        raise UsageError(f"{shown}:{error.line}: {_first_complaint(error.message)}") from error
    except KeyError as error:
        raise UsageError(f"{shown}:1: there is no Feature in this file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown}: cannot be read: {error}") from error
    return FeatureText(path, feature, tuple(_titles(document.feature, feature)), tuple(_tags(document.feature)))


def shown_path(path: Path) -> str:
    """Return the path relative to the current folder when it lies below."""
    return os.path.relpath(path) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)


def _first_complaint(message: str) -> str:
    """Return one line: the parser lists all it met, under a title and each with its position."""
    first = message.removeprefix("Unknown parsing error: Parser errors:\n").splitlines()[0]
    return re.sub(r"^\(\d+:\d+\): ", "", first)


def _scenarios(feature: raw.Feature) -> Iterator[tuple[raw.Scenario, list[raw.Tag]]]:
    """Yield each scenario with the tags it inherits."""
    for child in feature.children:
        if child.scenario:
            yield child.scenario, feature.tags
        for nested in child.rule.children if child.rule else ():
            if nested.scenario and child.rule:
                yield nested.scenario, [*feature.tags, *child.rule.tags]


def _titles(feature: raw.Feature, model: Feature) -> Iterator[Title]:
    parser = FeatureParser(str(Path(model.filename).parent), Path(model.filename).name)
    for scenario, inherited in _scenarios(feature):
        template = model.scenarios[scenario.name]
        is_last = template.line_number == scenario.location.line
        examples = [tag for table in scenario.examples for tag in table.tags]
        yield Title(
            name=scenario.name,
            line=scenario.location.line,
            tags=frozenset(tag.name.lstrip("@") for tag in [*inherited, *scenario.tags, *examples]),
            outline=bool(scenario.examples) or any(word in scenario.keyword for word in ("Outline", "Template")),
            rows=sum(len(table.table_body or ()) for table in scenario.examples),
            template=template if is_last else parser.parse_scenario(scenario, model),
        )


def _tags(feature: raw.Feature) -> Iterator[tuple[str, int]]:
    scenarios = [scenario for scenario, _ in _scenarios(feature)]
    written = [
        *feature.tags,
        *(tag for child in feature.children if child.rule for tag in child.rule.tags),
        *(tag for scenario in scenarios for tag in scenario.tags),
        *(tag for scenario in scenarios for table in scenario.examples for tag in table.tags),
    ]
    yield from ((tag.name.lstrip("@"), tag.location.line) for tag in written)
