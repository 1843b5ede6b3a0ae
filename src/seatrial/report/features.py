"""Feature files as pytest sees them: collected natively, tags as markers, each scenario described once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from pytest_bdd import scenario as bind_scenario
from pytest_bdd.scenario import make_python_name, scenario_wrapper_template_registry

from seatrial.errors import UsageError
from seatrial.report.catalogue import SEVERITIES, Catalogue, find_catalogue
from seatrial.report.gherkin import FeatureText, read_feature, shown_path


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    """What a report says about a scenario before it has run."""

    id: str
    """pytest's node id: ``features/ac02_load_balancing.feature::test_traffic_is_even[leads]``."""
    name: str
    feature: str
    story: str
    """Name of the rule, or of the scenario as written (one story holds all examples of an outline)."""
    description: str
    criteria: tuple[str, ...]
    severity: str
    parameters: Mapping[str, str]


SCENARIO = pytest.StashKey[ScenarioInfo]()


class FeatureFile(pytest.Module):
    """A ``.feature`` file, collected as if it were a test module."""

    def _getobj(self) -> ModuleType:
        try:
            text = read_feature(self.path)
            catalogue = find_catalogue(self.path.parent)
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        for first, again in text.repeated():
            raise self.CollectError(
                f"{shown_path(self.path)}:{again.line}: a second scenario named {again.name!r} (first on line "
                f"{first.line}) would replace it silently; give each its own name"
            )
        register_tags(self.config, text, catalogue)
        return _module(self.path, text)


def asks_for_features(config: pytest.Config) -> bool:
    """Tell a run of features from a run of the framework's own tests, by the paths that were asked for."""
    return features_folder(config) is not None


def features_folder(config: pytest.Config) -> Path | None:
    """Return the folder of the first features that were asked for; None when there are none."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.split("::")[0]
        if path.suffix == ".feature":
            return path.parent
        if path.is_dir():
            found = next((found for pattern in ("*.feature", "*/*.feature") for found in path.glob(pattern)), None)
            if found:
                return found.parent
    return None


def register_tags(config: pytest.Config, text: FeatureText, catalogue: Catalogue) -> None:
    """Make a marker of each tag of a file, so that ``--strict-markers`` accepts it (the lint knows the unknown)."""
    for tag in sorted({tag for tag, _ in text.tags}):
        config.addinivalue_line("markers", f"{tag}: {catalogue.meaning(tag) or 'a tag of the features'}")


def describe(item: pytest.Item, catalogue: Catalogue) -> ScenarioInfo | None:
    """Describe a collected scenario; None for any other test."""
    template = scenario_wrapper_template_registry.get(getattr(item, "function", None))  # type: ignore[arg-type]
    if template is None:
        return None
    example = _example(item)
    scenario = template.render(example)
    marks = {mark.name for mark in item.iter_markers()}
    texts = (scenario.feature.description, scenario.description)
    return ScenarioInfo(
        id=item.nodeid,
        name=scenario.name,
        feature=scenario.feature.name,
        story=scenario.rule.name if scenario.rule else template.name,
        description="\n\n".join(text.strip() for text in texts if text.strip()),
        criteria=tuple(sorted(mark for mark in marks if catalogue.is_criterion(mark))),
        severity=next((severity for severity in SEVERITIES if severity in marks), "normal"),
        parameters=example,
    )


def _example(item: pytest.Item) -> Mapping[str, str]:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("_pytest_bdd_example", {}) if callspec else {}


def _module(path: Path, text: FeatureText) -> ModuleType:
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    for template in text.feature.scenarios.values():
        bind = bind_scenario(path.name, template.name, features_base_dir=str(path.parent))
        function = bind(lambda: None)
        assert isinstance(function, FunctionType)
        # The code is said to lie where the scenario is written: pytest then shows that line, not pytest-bdd's own.
        function.__code__ = function.__code__.replace(co_filename=str(path), co_firstlineno=template.line_number)
        setattr(module, _free_name(module, template.name), function)
    return module


def _free_name(module: ModuleType, scenario: str) -> str:
    """Return a test name; two scenarios that differ in punctuation alone get a number."""
    name = f"test_{make_python_name(scenario)}"
    numbered = (f"{name}_{number}" for number in count(2))
    return name if not hasattr(module, name) else next(other for other in numbered if not hasattr(module, other))
