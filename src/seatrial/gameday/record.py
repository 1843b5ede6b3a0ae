"""The record of a game day as data; the page shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from seatrial.chaos.history_file import as_json
from seatrial.chaos.judge import Judgement
from seatrial.gameday.day import Held, Step
from seatrial.gameday.desk import Desk, Line
from seatrial.gameday.plan import DayPlan


def facts_of(
    plan: DayPlan, held: Held, desk: Desk, judged: Judgement, settings: Mapping[str, Any], approver: str
) -> dict[str, Any]:
    """Return the content of ``gameday.json``; ``approver`` is empty when nobody approved it."""
    history = as_json(held.history, judged, settings)
    del history["experiments"]
    return {
        "title": plan.title,
        "lead": plan.lead,
        "hypothesis": plan.hypothesis,
        "approval": {"asked": plan.approver, "by": approver or None},
        "findings": history.pop("reasons"),
        **history,
        "ended_early": desk.ending or None,
        "steps": [_step(step) for step in held.steps],
        "notes": [_line(note) for note in desk.notes],
        "told": [_line(each) for each in desk.lines],
        "plan": plan.model_dump(mode="json"),
    }


def _step(step: Step) -> dict[str, Any]:
    outcome = step.run.outcome if step.run else None
    return {
        "name": step.name,
        "expect": step.entry.expect,
        "fate": step.fate,
        "verdict": outcome.verdict if outcome else None,
        "reasons": list(outcome.reasons) if outcome else [],
        "began": outcome.began if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        "seed": outcome.seed if outcome else None,
        "targets": list(outcome.targets) if outcome else [],
        "places": list(step.run.places) if step.run else [],
        "timeline": [
            {"activity": each.activity, "type": each.type, "start": each.start, "seconds": each.end - each.start}
            for each in (step.run.activities if step.run else ())
        ],
        "records": outcome.folder if outcome else None,
    }


def _line(line: Line) -> dict[str, Any]:
    author = {"author": line.author} if line.author else {}
    return {"at": line.at, "time": clock(line.at), **author, "text": line.text}


def clock(at: float) -> str:
    """Return a moment as a reader wants it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
