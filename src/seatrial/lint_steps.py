"""The feature lint's view of step definitions: loaded as pytest would, matched by pytest-bdd's own parsers."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from pytest_bdd.parser import PARAM_RE, Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry
from pytest_bdd.utils import registry_get_safe

from seatrial.errors import UsageError
from seatrial.report.gherkin import FeatureText, shown_path


class Definition(NamedTuple):
    """A step definition, and where it is written."""

    context: StepFunctionContext
    path: Path
    line: int

    @property
    def place(self) -> str:
        return f"{shown_path(self.path)}:{self.line}"

    @property
    def words(self) -> str:
        return self.context.parser.name

    @property
    def keyword(self) -> str:
        return (self.context.type or "step").title()

    def fits(self, step: Step) -> bool:
        """Tell whether the words fit, whatever the keyword."""
        return self.context.parser.is_matching(step.name)

    def takes(self, step: Step) -> bool:
        return self.context.type in (None, step.type) and self.fits(step)


def load_definitions(folder: Path) -> list[Definition]:
    """Import the step modules of a folder and return their definitions in order.

    The folder's parent goes on ``sys.path``, so that steps find fixtures and each other. Raises UsageError.
    """
    if not folder.is_dir():
        raise UsageError(f"{shown_path(folder)}: no such folder")
    paths = sorted(folder.resolve().glob("[!_]*.py"))
    if not paths:
        raise UsageError(f"{shown_path(folder)}: holds no step module")
    sys.path.insert(0, str(folder.resolve().parent))
    found = {id(context): _definition(context, path) for path in paths for context in _contexts(_imported(path))}
    return sorted(found.values(), key=lambda definition: definition[1:])


def step_problems(texts: Sequence[FeatureText], definitions: Sequence[Definition]) -> Iterator[tuple[Path, int, str]]:
    """Yield what is wrong between the steps of features and their definitions: file, line, text."""
    used: set[int] = set()
    for path, step in _steps(texts):
        takers = [definition for definition in definitions if definition.takes(step)]
        used.update(id(taker.context) for taker in takers)
        if not takers:
            what = f"no step definition matches the {step.type.title()} step {step.name!r}"
            yield path, step.line_number, f"{what}; {_right_step(step, definitions)}"
        elif len(takers) > 1:
            places = " and ".join(taker.place for taker in takers)
            what = f"more than one step definition matches {step.name!r}, and one is taken silently: {places}"
            yield path, step.line_number, f"{what}; keep one"
    for definition in definitions:
        words = f"{definition.keyword} {definition.words!r}"
        if id(definition.context) not in used:
            yield definition.path, definition.line, f"no feature uses {words}; use it, or remove it"
        function = definition.context.step_func
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            what = f"{words} is 'async def', which pytest-bdd never awaits: it always passes"
            yield definition.path, definition.line, f"{what}; make it a plain 'def'"


def _steps(texts: Sequence[FeatureText]) -> Iterator[tuple[Path, Step]]:
    """Yield each step once per row of examples; a placeholder without rows is the outline's problem, not the step's."""
    for text in texts:
        for title in text.titles:
            rows = [row for table in title.template.examples for row in table.as_contexts()]
            unfilled = title.outline and not rows
            for step in (step for row in rows or [{}] for step in title.template.render(row).steps):
                if not (unfilled and PARAM_RE.search(step.name)):
                    yield text.path, step


def _right_step(step: Step, definitions: Sequence[Definition]) -> str:
    other = next((definition for definition in definitions if definition.fits(step)), None)
    if other:
        return f"{other.place} defines it for {other.keyword}"
    near = get_close_matches(step.name, [each.words for each in definitions if each.context.type in (None, step.type)])
    return f"write {near[0]!r}, or define it" if near else "define it"


def _imported(path: Path) -> ModuleType:
    name = f"{path.parent.name}.{path.stem}"
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit, pytest.skip.Exception) as error:
        what = f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no reason given')}"
        raise UsageError(f"{shown_path(path)}:{_line(error, path)}: cannot be imported: {what}") from error
    if Path(module.__file__ or "").resolve() != path:
        raise UsageError(f"{shown_path(path)}:1: {module.__file__} is imported instead", remedy="rename the folder")
    return module


def _line(error: BaseException, path: Path) -> int:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(path)), 1)


def _contexts(module: ModuleType) -> Iterator[StepFunctionContext]:
    """Yield what pytest-bdd has registered for the fixtures of a module: a step definition is a fixture to pytest."""
    for value in vars(module).values():
        context = registry_get_safe(step_function_context_registry, getattr(value, "__wrapped__", None))
        if context:
            yield context


def _definition(context: StepFunctionContext, module: Path) -> Definition:
    """Say where a definition is written; of a function without code of its own (a partial) only the module is known."""
    code = getattr(inspect.unwrap(context.step_func), "__code__", None)
    return Definition(context, Path(code.co_filename), code.co_firstlineno) if code else Definition(context, module, 1)
