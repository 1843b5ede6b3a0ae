"""The seeded faults under ``manifests/mutants``: one kustomize component each, and what each must turn red."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pytest_bdd.scenario import make_python_name

from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.report.gherkin import read_feature
from seatrial.yaml_file import read_yaml

FOLDER = ROOT / "manifests" / "mutants"
FEATURES = ROOT / "features"
OVERLAYS = ROOT / "manifests" / "overlays"
FILE = "expect.yaml"


class Expectation(BaseModel):
    """``expect.yaml``: the scenario that must fail, the criterion it stands for, and what its reason must say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    feature: str
    """Name of the feature file."""
    scenario: str
    """Name of the scenario, as the feature file writes it."""
    reason: str
    """Regular expression that is searched in the reason of the failure."""
    overlay: str = "nginx"
    """Name of the overlay that the fault is laid over."""

    @field_validator("reason")
    @classmethod
    def _compiles(cls, given: str) -> str:
        re.compile(given)
        return given


@dataclass(frozen=True)
class Mutant:
    """One seeded fault."""

    name: str
    """Of its folder: ``01-selector-typo``."""
    folder: Path
    fault: str
    """What is wrong, in one sentence: the first line of its kustomization."""
    expectation: Expectation

    @property
    def test(self) -> str:
        """Return the node id of the scenario that must fail (of all its examples)."""
        return f"{FEATURES / self.expectation.feature}::test_{make_python_name(self.expectation.scenario)}"


def load_mutants(names: Sequence[str] = (), folder: Path = FOLDER) -> tuple[Mutant, ...]:
    """Read the named faults, by number or folder name, or all; raises UsageError at a name or file that is wrong."""
    known = {path.parent.name: path.parent for path in sorted(folder.glob("*/kustomization.yaml"))}
    for name in names:
        if not any(_is_called(each, name) for each in known):
            raise UsageError(f"{name}: no such seeded fault", remedy=f"give {', '.join(known)} or a number of these")
    chosen = [each for each in known if not names or any(_is_called(each, name) for name in names)]
    return tuple(_load(known[each]) for each in chosen)


def _is_called(folder: str, name: str) -> bool:
    return name in (folder, folder.partition("-")[0])


def _load(folder: Path) -> Mutant:
    fault = (folder / "kustomization.yaml").read_text(encoding="utf-8").splitlines()[0].lstrip("# ").strip()
    return Mutant(folder.name, folder, fault, _load_expectation(folder / FILE))


def _load_expectation(path: Path) -> Expectation:
    see = "see manifests/mutants/README.md"
    given = read_yaml(path, when_missing="say there which scenario must fail, and why", when_broken=see)
    try:
        expectation = Expectation.model_validate(given)
    except re.error as error:
        raise UsageError(f"{path}: reason: not a regular expression: {error}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error)}", remedy=see) from error
    overlays = sorted(each.parent.name for each in OVERLAYS.glob("*/kustomization.yaml"))
    if expectation.overlay not in overlays:
        what = f"{path}: overlay: there is no overlay {expectation.overlay!r}"
        raise UsageError(what, remedy=f"give {', '.join(overlays)}")
    feature = FEATURES / expectation.feature
    if expectation.scenario not in [title.name for title in read_feature(feature).titles]:
        raise UsageError(f"{path}: scenario: {feature.name} has no scenario {expectation.scenario!r}")
    return expectation


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
