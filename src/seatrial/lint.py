"""The feature lint: what pytest and pytest-bdd would let pass in silence, told at once and without a cluster.

``python -m seatrial.lint features steps`` prints one line per problem, sorted by file and line. It ends with 0 when
there is none, with 1 when there is one, and with 2 when it cannot read what it was given. Scenarios of one name in two
files are no problem: an id holds its file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from seatrial.errors import UsageError
from seatrial.lint_steps import Definition, load_definitions, step_problems
from seatrial.report.catalogue import SECTIONS, SEVERITIES, Catalogue, find_catalogue
from seatrial.report.gherkin import FeatureText, Title, read_feature, shown_path

Found = Iterator[tuple[Path, int, str]]


class Problem(NamedTuple):
    """One line of the lint."""

    path: str
    line: int
    text: str
    """What is wrong; what would be right."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def find_problems(texts: Sequence[FeatureText], definitions: Sequence[Definition]) -> list[Problem]:
    """Return all problems of the features and their step definitions; raises UsageError for a broken catalogue."""
    catalogues = {folder: find_catalogue(folder) for folder in {text.path.parent for text in texts}}
    found = chain(
        chain.from_iterable(_in_feature(text, catalogues[text.path.parent]) for text in texts),
        *(_without_scenario(each, texts) for each in {each.path: each for each in catalogues.values()}.values()),
        step_problems(texts, definitions),
    )
    return sorted({Problem(shown_path(path), line, text) for path, line, text in found})


def read_features(folder: Path) -> list[FeatureText]:
    """Read all feature files below a folder; raises UsageError when one cannot be parsed or there is none."""
    if not folder.is_dir():
        raise UsageError(f"{shown_path(folder)}: no such folder")
    texts = [read_feature(path) for path in sorted(folder.rglob("*.feature"))]
    if not texts:
        raise UsageError(f"{shown_path(folder)}: holds no .feature file")
    return texts


def _in_feature(text: FeatureText, catalogue: Catalogue) -> Found:
    if not text.titles:
        yield text.path, text.feature.line_number, "this feature has no scenario; write one, or remove the file"
    for first, again in text.repeated():
        what = f"a second scenario named {again.name!r} (first on line {first.line}) would replace it silently"
        yield text.path, again.line, f"{what}; give each its own name"
    for title in text.titles:
        yield from ((text.path, title.line, what) for what in _in_title(title, catalogue))
    for tag, line in text.tags:
        if not catalogue.knows(tag):
            yield text.path, line, f"the catalogue does not know @{tag}; {_right_tag(tag, catalogue)}"


def _in_title(title: Title, catalogue: Catalogue) -> Iterator[str]:
    if not any(catalogue.is_criterion(tag) for tag in title.tags):
        known = ", ".join(f"@{criterion}" for criterion in catalogue.criteria) or "@AC01"
        yield f"scenario {title.name!r} proves no criterion; tag it, its rule or its feature, for instance with {known}"
    if title.outline and not title.rows:
        yield f"outline {title.name!r} has no example rows and proves nothing; give it rows under 'Examples:'"
    if len(title.template.steps) == len(title.template.all_background_steps):
        yield f"scenario {title.name!r} has no steps of its own and proves nothing; write them, or remove it"


def _right_tag(tag: str, catalogue: Catalogue) -> str:
    known = (*(tag for section in SECTIONS for tag in getattr(catalogue, section)), *SEVERITIES)
    near = get_close_matches(tag, known, n=1)
    return f"{f'write @{near[0]}, or ' if near else ''}declare it in {shown_path(catalogue.path)}"


def _without_scenario(catalogue: Catalogue, texts: Sequence[FeatureText]) -> Found:
    used = {tag for text in texts for title in text.titles for tag in title.tags}
    for criterion in (each for each in catalogue.criteria if each not in used):
        what = f"{criterion} has no scenario; tag one with @{criterion}, or move it to 'planned'"
        yield catalogue.path, catalogue.lines[criterion], what


def main(arguments: Sequence[str] | None = None) -> int:
    """Find what is wrong with features and step definitions, without running them."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.lint", description=main.__doc__)
    parser.add_argument("features", type=Path, help="folder of the .feature files")
    parser.add_argument("steps", type=Path, help="folder of the modules with step definitions")
    given = parser.parse_args(arguments)
    try:
        texts, definitions = read_features(given.features), load_definitions(given.steps)
        problems = find_problems(texts, definitions)
    except UsageError as error:
        print(f"seatrial.lint: {error}", file=sys.stderr)
        return error.exit_code
    for problem in problems:
        print(problem)
    scenarios = sum(len(text.titles) for text in texts)
    if not problems:
        print(f"{len(texts)} features, {scenarios} scenarios, {len(definitions)} steps: no problem")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
