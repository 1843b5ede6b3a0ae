"""What an experiment did while there was load: the timeline that its control writes, one JSON line an activity."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import UsageError

FIELDS = ("activity", "type", "start", "end")


@dataclass(frozen=True, slots=True)
class Activity:
    """One action or probe of an experiment; Unix seconds."""

    activity: str
    """Its name in the experiment."""
    type: str
    """action or probe."""
    start: float
    end: float


def read_activities(path: Path) -> tuple[Activity, ...]:
    """Read a timeline; a last line that was cut off is left out.

    Raises UsageError, which names the line, at what is none of it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise UsageError(f"--timeline {path}: {why}", remedy="give the timeline that an experiment wrote") from error
    lines = text.splitlines(keepends=True)
    whole = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line.endswith("\n")]
    return tuple(_activity(line, f"--timeline {path}:{number}") for number, line in whole)


def _activity(line: str, where: str) -> Activity:
    try:
        given = json.loads(line)
        name, kind, start, end = (given[field] for field in FIELDS)
        return Activity(str(name), str(kind), float(start), float(end))
    except (ValueError, KeyError, TypeError) as error:
        remedy = f"each line is a JSON object with {', '.join(FIELDS)}; times in Unix seconds"
        raise UsageError(f"{where}: no activity of an experiment", remedy=remedy) from error
