"""The journal of an experiment: what Chaos Toolkit says happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.chaos.experiment import EFFECT
from seatrial.errors import EnvironmentFault


@dataclass(frozen=True, slots=True)
class Activity:
    """One action or probe that was run."""

    name: str
    type: str
    """action or probe."""
    status: str
    """succeeded, failed or aborted."""
    output: Any
    reason: str
    """Its exception in one line, empty when there was none."""
    start: float
    """Unix seconds."""
    tolerance_met: bool | None = None
    """Whether a probe saw what it was to see; None when nobody compared it."""

    @property
    def saw_it(self) -> bool:
        """Tell whether a probe came to its end and saw what it was to see."""
        return self.status == "succeeded" and self.tolerance_met is True


@dataclass(frozen=True, slots=True)
class Journal:
    """One run of one experiment."""

    title: str
    status: str
    """completed, failed, aborted or interrupted."""
    deviated: bool
    before: bool | None
    """Whether the steady state was met before the method; None when it was not asked."""
    during: tuple[bool, ...]
    after: bool | None
    activities: tuple[Activity, ...]
    rollbacks: tuple[Activity, ...]

    @property
    def actions(self) -> tuple[Activity, ...]:
        return tuple(activity for activity in self.activities if activity.type == "action")

    @property
    def effects(self) -> tuple[Activity, ...]:
        """The probes that look whether the fault happened."""
        return tuple(each for each in self.activities if each.type == "probe" and each.name.startswith(EFFECT))


def read_journal(path: Path) -> Journal:
    """Read a journal file; raises EnvironmentFault when there is none that is whole."""
    try:
        return journal_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentFault(f"the experiment left no journal that can be read in {path}: {error!r}") from error


def journal_of(document: dict[str, Any]) -> Journal:
    """Turn Chaos Toolkit's document into a Journal."""
    states = document["steady_states"]
    return Journal(
        title=document["experiment"]["title"],
        status=document["status"],
        deviated=bool(document["deviated"]),
        before=_met(states.get("before")),
        during=tuple(bool(_met(state)) for state in states.get("during") or ()),
        after=_met(states.get("after")),
        activities=tuple(map(_activity, document["run"])),
        rollbacks=tuple(map(_activity, document["rollbacks"])),
    )


def _met(state: dict[str, Any] | None) -> bool | None:
    return None if not state else bool(state["steady_state_met"])


def _activity(run: dict[str, Any]) -> Activity:
    started = datetime.fromisoformat(run["start"])
    aware = started if started.tzinfo else started.replace(tzinfo=UTC)
    return Activity(
        name=run["activity"]["name"],
        type=run["activity"]["type"],
        status=run.get("status", "aborted"),  # an activity that a signal ended was given none
        output=run.get("output"),
        reason=_reason(run.get("exception") or ()),
        start=aware.timestamp(),
        tolerance_met=run.get("tolerance_met"),
    )


def _reason(trace: Sequence[str]) -> str:
    """Return the last entry of a formatted exception, which is its name and message, without chaoslib's wrapping."""
    return " ".join("".join(trace[-1:]).split()).removeprefix("chaoslib.exceptions.ActivityFailed: ")
