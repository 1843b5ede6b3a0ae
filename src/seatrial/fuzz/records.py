"""What Schemathesis tried and found, read from the events that it writes: one JSON object a line, with one key each."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.fuzz.curl import curl

COMPLETE = "completed"


@dataclass(frozen=True, slots=True)
class Tried:
    """One operation that was tried."""

    operation: str
    """``GET /v1/users``."""
    cases: int
    """Generated requests that were answered."""
    statuses: Mapping[int, int]
    """Status to the number of answers that had it."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One answer that is not as described, or none at all; of several of a kind the one to the shortest request."""

    operation: str
    check: str
    """Name of the check that Schemathesis made; empty where there was no answer."""
    told: str
    """What it says of the answer, or why there is none."""
    request: str = ""
    """Command line that repeats the request, for a shell that has the token in ``TOKEN``."""
    status: int = 0
    body: str = ""


@dataclass(frozen=True, slots=True)
class FuzzRecord:
    """Everything of one service."""

    service: str
    described: tuple[str, ...]
    """Operations that were to be tried."""
    tried: tuple[Tried, ...]
    deviations: tuple[Deviation, ...]
    unusable: str = ""
    """Why nothing could be generated from the description; empty when all is well."""
    ended: str = COMPLETE
    """How the run ended: ``completed``, another word of Schemathesis, or empty when there was no time for it."""


def read_events(
    lines: Iterable[str], service: str, described: tuple[str, ...], options: Sequence[str] = ()
) -> FuzzRecord:
    """Return what the events of one run say; ``options`` are what curl needs to reach the service."""
    events = list(_events(lines))
    scenarios = [event["recorder"] for name, event in events if name == "ScenarioFinished"]
    fatal = [event["exception"] for name, event in events if name == "FatalError"]
    lost = [event for name, event in events if name == "NonFatalError"]
    ends = [event["stop_reason"] for name, event in events if name == "EngineFinished"]
    deviations = [each for scenario in scenarios for each in _deviations(scenario, options)]
    unanswered = [Deviation(event["label"], "", event["value"]["message"]) for event in lost]
    return FuzzRecord(
        service,
        described,
        tuple(_tried(operation, scenarios) for operation in described),
        tuple(_shortest([*deviations, *unanswered])),
        unusable="".join(error["message"] for error in fatal[:1]),
        ended="".join(ends[-1:]),
    )


def _events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for line in lines:
        try:
            yield next(iter(json.loads(line).items()))
        except ValueError:
            return  # the run was ended while it wrote this one


def _tried(operation: str, scenarios: list[Any]) -> Tried:
    exchanges = [
        each for one in scenarios if one["label"] == operation for each in one.get("interactions", {}).values()
    ]
    statuses = Counter(each["response"]["status_code"] for each in exchanges if each.get("response"))
    return Tried(operation, statuses.total(), dict(sorted(statuses.items())))


def _deviations(scenario: Mapping[str, Any], options: Sequence[str]) -> Iterator[Deviation]:
    for case, checks in scenario.get("checks", {}).items():
        for check in checks:
            if check["status"] == "failure":
                exchange = scenario["interactions"][case]
                failure, answer = check["failure_info"]["failure"], exchange["response"]
                yield Deviation(
                    failure["operation"],
                    check["name"],
                    f"{failure['title']}\n{failure['message']}".strip(),
                    curl(exchange["request"], options),
                    answer["status_code"],
                    _text(answer["content"]),
                )


def _shortest(deviations: Iterable[Deviation]) -> Iterator[Deviation]:
    """Yield one deviation for each kind at each operation, in the order in which they were found."""
    kinds: dict[tuple[str, str, int], list[Deviation]] = {}
    for each in deviations:
        kinds.setdefault((each.operation, each.check, each.status), []).append(each)
    for alike in kinds.values():
        yield min(alike, key=lambda each: len(each.request))


def _text(content: Mapping[str, str] | None) -> str:
    return base64.b64decode(content["$base64"]).decode(errors="replace") if content else ""
