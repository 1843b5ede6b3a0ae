"""A history as JSON and in plain words, with the results of its load beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seatrial.chaos.history import History, Run
from seatrial.chaos.judge import Judgement
from seatrial.chaos.series import LOAD
from seatrial.load.phases import attribute
from seatrial.load.results import LoadResult, write_results


def as_json(history: History, judged: Judgement, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of it but the single requests."""
    failed = len(history.record.failed)
    return {
        "verdict": judged.verdict,
        "reasons": list(judged.reasons),
        "interrupted": history.interrupted,
        "began": history.began,
        "seconds": history.seconds,
        "settings": dict(settings),
        "experiments": [_run(run) for run in history.runs],
        "load": {"requests": len(history.record.requests), "failed": failed, "phases": list(_phases(history))},
        "left": [str(each) for each in history.left],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "number": run.number,
        **asdict(run.outcome),
        "places": list(run.places),
        "errors_during": run.errors_during,
        "harmed": sorted(pod.name for pod in run.harmed.pods.values()) + sorted(run.harmed.nodes),
        "phases": [asdict(each) for each in run.phases],
    }


def _phases(history: History) -> Iterator[dict[str, Any]]:
    for phase, load in zip(history.phases, attribute(history.record, history.phases), strict=True):
        facts = {"start": phase.start, "end": phase.end, "is_fault": phase.is_fault}
        yield {"name": phase.name, **facts, "requests": load.requests, "failed": load.failed, "errors": load.errors}


def summary(history: History, judged: Judgement, title: str, folder: Path) -> str:
    """Return the history as a person reads it, a line for each experiment."""
    lines = [f"{judged.verdict.upper()} {title} ({history.seconds:.0f} s)"]
    for run in history.runs:
        who = ", ".join(run.places) or "its own targets"
        took = f"{run.outcome.seconds:.0f} s, seed {run.outcome.seed}, {who}"
        lines.append(f"    {run.name}: {run.outcome.verdict} ({took})")
    record = history.record
    lines.append(f"    {len(record.requests):,} requests of customers, {len(record.failed):,} failed")
    lines += [f"    {line}" for reason in judged.reasons for line in reason.splitlines()]
    return "\n".join([*lines, f"    records: {folder}"])


def keep_load(history: History, folder: Path, settings: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    """Write what customers did, with a page that shades what the experiments did."""
    (folder / LOAD).mkdir(parents=True, exist_ok=True)
    result = LoadResult(history.record, settings, versions, history.phases, history.troubles)
    write_results(folder / LOAD, result)


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write facts for programs and for people."""
    path.write_text(f"{json.dumps(facts, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
