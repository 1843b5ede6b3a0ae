"""What the frontend relies on: its calls and the answers that were recorded, and how another answer differs.

Two files beside each other: the calls (YAML, written by people) and the answers (JSON, written by ``seatrial contract
record``), so that recording anew loses no comment and shows in a review what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from seatrial.cross_checks import nearest
from seatrial.errors import Failure, UsageError
from seatrial.plain_words import Schema, resolve, right
from seatrial.system import System
from seatrial.system_file import field_path
from seatrial.system_values import HEADER, DnsLabel, HeaderName, HttpPath, Model, Text
from seatrial.yaml_file import read_yaml

LONGEST_SHOWN = 120
SHOWN_BEFORE = 30
"""Of two long values, what is shown before they part."""


class FrontendCall(Model):
    """One call of the frontend."""

    name: Text
    service: DnsLabel
    """Service that answers it; before the migration the frontend asks it directly."""
    method: Text = "GET"
    path: HttpPath
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    """``{token}`` in a value stands for the token of the declared log-in."""
    json_body: Any = Field(default=None, alias="json")
    padding: Annotated[int, Field(ge=0, le=50_000_000)] = 0
    """Letters of one more field in the JSON body, for calls that are large."""
    text: str | None = None
    """Body as it is, where it is no JSON."""
    login: bool = False
    """Send the token of the declared log-in."""

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.text is not None and self.json_body is not None:
            raise ValueError("json and text are both given; leave one of them out")
        if self.padding and not isinstance(self.json_body, dict):
            raise ValueError("padding needs fields to be added to; give a mapping as json")
        try:
            json.dumps(self.json_body, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"json cannot be sent: {error}; put it in quotes") from error
        return self

    @property
    def body(self) -> Any:
        """Return the JSON body as it is sent."""
        return {**self.json_body, "padding": "x" * self.padding} if self.padding else self.json_body


class Frontend(Model):
    """The file of calls."""

    headers: tuple[str, ...]
    """Headers of answers that the frontend relies on; all others may change."""
    volatile: tuple[str, ...] = ()
    """Fields and headers whose value is new each time: only their kind is compared."""
    calls: Annotated[tuple[FrontendCall, ...], Field(min_length=1)]


class Recorded(Model):
    """An answer, as far as the frontend relies on it."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: Any
    """Decoded JSON, else text; empty text when there is none."""


ANSWERS = TypeAdapter(dict[str, Recorded])


def load_frontend(path: Path, system: System) -> Frontend:
    """Read the calls; raises UsageError with file, entry and what would be right."""
    given = read_yaml(path, when_missing="name the file of the frontend's calls")
    try:
        frontend = Frontend.model_validate(given, strict=False)
    except ValidationError as error:
        raise UsageError(f"{path}: {_complaint(error.errors()[0])}") from error
    names, services = [call.name for call in frontend.calls], [service.name for service in system.services]
    for index, call in enumerate(frontend.calls):
        if call.name in names[:index]:
            raise UsageError(f"{path}: two calls are named {call.name!r}", remedy="give each a name of its own")
        if call.service not in services:
            told = f"{call.service!r} is not a service of {system.name}"
            raise UsageError(f"{path}: calls[{index}].service: {told}; {nearest(call.service, services, '')}")
    return frontend


def _complaint(error: ErrorDetails) -> str:
    """Return where something is wrong, and what would be right: ``calls[3].path: give a path that …, not "v1"``."""
    loc, place = error["loc"], field_path(error["loc"])
    if error["type"] == "value_error":
        return f"{place}{error['ctx']['error']}"
    if loc[-1:] == ("[key]",):
        return f"{field_path(loc[:-2])}give {HEADER['base']}, not {_short(error['input'])}"
    part = FrontendCall if loc[:1] == ("calls",) and len(loc) > 1 else Frontend
    schema: Schema = part.model_json_schema()
    for step in loc[2 if part is FrontendCall else 0 :]:
        known = schema.get("properties", {})
        if error["type"] == "extra_forbidden":
            return f"{place}there is no such field; {nearest(str(step), list(known), 'leave it out')}"
        inner = known.get(step) or schema.get("items") or schema.get("additionalProperties") or {"type": "string"}
        schema = resolve(inner)
    if error["type"] == "missing":
        return f"{place}is missing; give {right(schema)}"
    return f"{place}give {right(schema)}, not {_short(error['input'])}"


def answers_path(calls: Path) -> Path:
    """Return where the answers to a file of calls lie."""
    return calls.with_suffix(".answers.json")


def load_answers(calls: Path, frontend: Frontend) -> dict[str, Recorded]:
    """Read the recorded answers; raises UsageError when one is broken, or missing for a call."""
    path, remedy = answers_path(calls), "run 'seatrial contract record' on the deployment that counts"
    try:
        found = ANSWERS.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy=remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise UsageError(f"{path}: not a recording: {field_path(first['loc'])}{what}", remedy=remedy) from error
    missing = [call.name for call in frontend.calls if call.name not in found]
    if missing:
        raise UsageError(f"{path}: no answer to {missing[0]!r}", remedy=remedy)
    return found


def check_recording(calls: Path, system: System) -> None:
    """Raise UsageError when the calls, or their answers, are broken; answers may still have to be recorded."""
    frontend = load_frontend(calls, system)
    if answers_path(calls).exists():
        load_answers(calls, frontend)


def save_answers(calls: Path, answers: Mapping[str, Recorded]) -> Path:
    """Write the answers beside their calls; returns the file."""
    path = answers_path(calls)
    document = {name: each.model_dump() for name, each in answers.items()}
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    beside.rename(path)
    return path


def recorded(status: int, headers: Mapping[str, str], body: str, frontend: Frontend) -> Recorded:
    """Return what of an answer the frontend relies on."""
    kept = {name.lower(): headers[name.lower()] for name in frontend.headers if name.lower() in headers}
    try:
        return Recorded(status=status, headers=kept, body=json.loads(body))
    except ValueError:
        return Recorded(status=status, headers=kept, body=body)


def differences(call: FrontendCall, before: Recorded, now: Recorded | str, frontend: Frontend) -> Iterator[Failure]:
    """Yield one failure that lists every field in which an answer differs from the recorded one.

    ``now`` is a text where there was no answer.
    """
    subject = f"{call.name} ({call.method} {call.path}, {call.service}): the frontend gets another answer"
    if isinstance(now, str):
        yield Failure(subject, f"HTTP {before.status}", f"no answer: {now}")
        return
    found = list(_fields(before, now, frontend.volatile))
    if found:
        many = f"{len(found)} differences" if len(found) > 1 else "one difference"
        yield Failure(subject, f"HTTP {before.status}, as recorded", f"HTTP {now.status}, {many}", tuple(found))


def _fields(before: Recorded, now: Recorded, volatile: Sequence[str]) -> Iterator[str]:
    if before.status != now.status:
        yield f"status: {now.status} instead of {before.status}"
    new_each_time = {name.lower() for name in volatile}
    for name in sorted(set(before.headers) | set(now.headers)):
        if name not in now.headers:
            yield f"header {name}: missing; it was {_short(before.headers[name])}"
        elif name not in before.headers:
            yield f"header {name}: new: {_short(now.headers[name])}"
        elif before.headers[name] != now.headers[name] and name not in new_each_time:
            yield f"header {name}: {_apart(before.headers[name], now.headers[name])}"
    yield from _values("body", before.body, now.body, volatile)


def _values(where: str, old: Any, new: Any, volatile: Sequence[str]) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(set(old) | set(new)):
            if name not in new:
                yield f"{where}.{name}: missing; it was {_short(old[name])}"
            elif name not in old:
                yield f"{where}.{name}: new: {_short(new[name])}"
            elif name not in volatile or type(old[name]) is not type(new[name]):
                yield from _values(f"{where}.{name}", old[name], new[name], volatile)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{where}: a list of {len(new)} instead of {len(old)}"
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from _values(f"{where}[{index}]", one, other, volatile)
    elif old != new or type(old) is not type(new):
        yield f"{where}: {_apart(old, new)}"


def _apart(old: Any, new: Any) -> str:
    """Say both, where they part when they are long."""
    one, other = json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    skipped = max(0, common - SHOWN_BEFORE)
    if not skipped or max(len(one), len(other)) <= LONGEST_SHOWN:
        return f"{_cut(other)} instead of {_cut(one)}"
    return f"…{_cut(other[skipped:])} instead of …{_cut(one[skipped:])}"


def _short(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
