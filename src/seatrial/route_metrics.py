"""The gateway's own metrics of its routes: how an overlay's gateway names them. Each gateway does it in its own way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from seatrial.cross_checks import nearest
from seatrial.errors import UsageError
from seatrial.located_yaml import Document, Loc, Problem, read_located
from seatrial.plain_words import right
from seatrial.system_file import field_path
from seatrial.system_gateway import Gateway
from seatrial.system_values import HttpPath, Model, Port

FILE = "metrics.yaml"
"""Beside the overlay's kustomization."""

MetricName = Annotated[
    str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", json_schema_extra={"base": "the name of a metric"})
]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", json_schema_extra={"base": "a label's name"})]
Labels = dict[str, str]
"""Label to a regular expression that its whole value must match."""


class RouteMetrics(Model):
    """Where each replica of the gateway tells what it counted, and what that is called."""

    port: Port
    """Port of the gateway's pods."""
    path: HttpPath = "/metrics"
    """Path there, with the answer in the text format of Prometheus."""
    requests: MetricName
    """Counter of answers."""
    latency: MetricName
    """Histogram of how long answers took, in whatever unit."""
    status_label: LabelName
    """Label of the counter with the status of the answers: ``404``, ``4xx`` and ``4`` will do."""
    routes: dict[str, Labels]
    """For each route of ``system.yaml``, by its path, the labels by which both metrics tell it from the others."""


def load_route_metrics(overlay: Path, gateway: Gateway) -> RouteMetrics | None:
    """Read the file beside an overlay's kustomization; None where there is none.

    Raises UsageError that tells all problems, one line each, with the file and the line.
    """
    path = overlay / FILE
    if not path.exists():
        return None
    try:
        document = read_located(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    metrics, problems = _judge(document, gateway)
    if metrics is None or problems:
        ordered = sorted(problems, key=lambda problem: problem.line)
        raise UsageError("\n".join(f"{path}:{each.line}: {field_path(each.loc)}{each.text}" for each in ordered))
    return metrics


def _judge(document: Document, gateway: Gateway) -> tuple[RouteMetrics | None, list[Problem]]:
    """Return the declaration, if the model accepts it, and all problems of file, model and routes."""
    if not isinstance(document.data, dict):
        text = f"a mapping is wanted here; give at least {', '.join(RouteMetrics.model_json_schema()['required'])}"
        return None, document.problems or [Problem(document.line(()), (), text)]
    metrics, found = None, list(_routes(document.data, gateway))
    try:
        metrics = RouteMetrics.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        found += [_finding(each) for each in error.errors(include_url=False)]
    return metrics, document.problems + [Problem(document.line(loc), loc, text) for loc, text in found]


def _routes(data: dict[str, Any], gateway: Gateway) -> Iterator[tuple[Loc, str]]:
    """Yield where the file and the declared routes do not fit together, and patterns that are none."""
    routes = data.get("routes")
    if not isinstance(routes, dict):
        return
    declared = [route.path for route in gateway.routes]
    missing = [path for path in declared if path not in routes]
    if missing:
        yield ("routes",), f"nothing is said about {', '.join(missing)}; give the labels of each declared route"
    for path, labels in routes.items():
        if path not in declared:
            yield ("routes", path), f"{path!r} is not a declared route; {nearest(path, declared, 'leave it out')}"
        elif isinstance(labels, dict):
            yield from _patterns(path, labels)


def _patterns(path: str, labels: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    if not labels:
        yield ("routes", path), "is empty; give at least one label and the pattern of its value"
    for label, pattern in labels.items():
        try:
            re.compile(pattern if isinstance(pattern, str) else "")
        except re.error as error:
            yield ("routes", path, label), f"{pattern!r} is not a regular expression: {error}"


def _finding(error: ErrorDetails) -> tuple[Loc, str]:
    """Return where something is wrong, and what would be right."""
    loc: Loc = error["loc"]
    known = RouteMetrics.model_json_schema()["properties"]
    if error["type"] == "extra_forbidden":
        return loc, f"there is no such field; {nearest(str(loc[0]), list(known), 'leave it out')}"
    wanted = (
        right(known[loc[0]]) if len(loc) == 1 else ("a mapping of labels" if len(loc) == 2 else "a pattern as text")
    )
    if error["type"] == "missing":
        return loc, f"is missing; give {wanted}"
    return loc, f"{error['input']!r} will not do; give {wanted}"
