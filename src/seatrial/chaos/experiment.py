"""The typed model of an experiment's file, as far as it matters here; Chaos Toolkit knows more fields.

Reading it, and errors that point at its line, are in :mod:`seatrial.chaos.experiment_file`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from seatrial.chaos.extension import Extension
from seatrial.system_values import Text

EFFECT = "effect-"
"""How the names of probes begin that tell whether the fault really happened."""


class Part(BaseModel):
    """Base of all parts: immutable; fields that only Chaos Toolkit knows are left to it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Provider(Part):
    """The Python function that an activity calls."""

    type: Literal["python"]
    module: Text
    func: Text
    arguments: dict[str, Any] = {}


class Deed(Part):
    """One action or probe."""

    type: Literal["action", "probe"]
    name: Text
    provider: Provider
    tolerance: Any = None

    @property
    def call(self) -> str:
        """The function that it calls, with its module."""
        return f"{self.provider.module}.{self.provider.func}"


class Hypothesis(Part):
    """The steady state."""

    title: Text
    probes: Annotated[tuple[Deed, ...], Field(min_length=1)]


class ControlProvider(Part):
    """The Python module that watches a run."""

    type: Literal["python"]
    module: Text


class Control(Part):
    """One control."""

    name: Text
    provider: ControlProvider


class Document(Part):
    """The file without its extensions."""

    title: Text
    description: Text
    tags: Annotated[tuple[Text, ...], Field(min_length=2)]
    configuration: dict[str, Any] = {}
    hypothesis: Annotated[Hypothesis, Field(alias="steady-state-hypothesis")]
    method: Annotated[tuple[Deed, ...], Field(min_length=1)]
    rollbacks: Annotated[tuple[Deed, ...], Field(min_length=1)]
    controls: tuple[Control, ...] = ()

    def uses(self, variable: str) -> bool:
        """Tell whether an action or probe of the method is handed what a variable of the configuration holds."""
        return variable in references([each.provider.arguments for each in self.method])


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment that is fit to be run."""

    path: Path
    document: Document
    extension: Extension

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def criteria(self) -> tuple[str, ...]:
        """Ids of the criteria that it serves."""
        return self.document.tags[:-1]


def references(value: Any) -> set[str]:
    """Return the names that a value of the file refers to as ``${name}``."""
    return set(re.findall(r"\$\{(\w+)\}", str(value)))


def resolved(value: Any, known: Mapping[str, str]) -> Any:
    """Return a value of the file with ``${name}`` replaced by what is known of it."""
    if isinstance(value, str):
        for name, text in known.items():
            value = value.replace(f"${{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: resolved(each, known) for key, each in value.items()}
    return [resolved(each, known) for each in value] if isinstance(value, list | tuple) else value
