"""What an experiment did while there was load: its control's timeline, a JSON line for each beginning and each end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import UsageError

FIELDS = ("at", "event", "type", "name")


@dataclass(frozen=True, slots=True)
class Activity:
    """One action or probe of an experiment; Unix seconds."""

    activity: str
    """Its name in the experiment."""
    type: str
    """action or probe."""
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    event: str
    type: str
    name: str


def read_activities(path: Path) -> tuple[Activity, ...]:
    """Read a timeline; a last line that was cut off is left out, and what was not ended lasts until the last event.

    Raises UsageError, which names the line, at what is none of it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise UsageError(f"--timeline {path}: {why}", remedy="give the timeline that an experiment wrote") from error
    lines = text.splitlines(keepends=True)
    whole = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line.endswith("\n")]
    return _activities([_event(line, f"--timeline {path}:{number}") for number, line in whole])


def _activities(events: Sequence[_Event]) -> tuple[Activity, ...]:
    """Return each beginning with the next end of its name: activities of a method follow one another."""
    found = []
    for number, begun in enumerate(events):
        if begun.event == "start":
            ends = (each.at for each in events[number:] if (each.event, each.name) == ("end", begun.name))
            found.append(Activity(begun.name, begun.type, begun.at, next(ends, events[-1].at)))
    return tuple(found)


def _event(line: str, where: str) -> _Event:
    try:
        given = json.loads(line)
        at, event, kind, name = (given[field] for field in FIELDS)
        return _Event(float(at), str(event), str(kind), str(name))
    except (ValueError, KeyError, TypeError) as error:
        remedy = f"each line is a JSON object with {', '.join(FIELDS)}; times in Unix seconds"
        raise UsageError(f"{where}: no event of an experiment", remedy=remedy) from error
