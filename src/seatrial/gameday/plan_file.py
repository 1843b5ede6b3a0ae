"""Reads the plan of a game day: every problem in one line with its place in the file and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import experiments, findings, read_judged
from seatrial.chaos.targets import harms_pods
from seatrial.cross_checks import nearest
from seatrial.errors import UsageError
from seatrial.gameday.plan import DayPlan, Entry
from seatrial.load.demand import chosen_journey
from seatrial.located_yaml import Document, Loc
from seatrial.system import System


def read_plan(path: Path, system: System) -> DayPlan:
    """Return the plan of a file, fit for a system; raises UsageError that tells all problems, one line each."""
    return read_judged(path, lambda located: _judge(located, system), unreadable="see docs/gameday.md")


def _judge(located: Document, system: System) -> tuple[DayPlan | None, list[tuple[Loc, str]]]:
    if not isinstance(located.data, dict):
        return None, [((), "is no mapping; write it as docs/first-gameday.yaml shows")]
    try:
        plan = DayPlan.model_validate_json(json.dumps(located.data))
    except ValidationError as error:
        return None, list(findings(error))
    return plan, list(misfits(plan, {each.name: each for each in experiments()}, system))


def misfits(plan: DayPlan, known: Mapping[str, Experiment], system: System) -> Iterator[tuple[Loc, str]]:
    """Yield what does not fit: experiments that are not there, targets that they do not choose, steps; pure."""
    for index, entry in enumerate(plan.experiments):
        loc: Loc = ("experiments", index)
        if entry.name not in known:
            remedy = nearest(entry.name, list(known), "see 'seatrial chaos list'")
            yield (*loc, "name"), f"no experiment is called {entry.name!r}; {remedy}"
        else:
            yield from (((*loc, field), text) for field, text in _unwanted(entry, known[entry.name], system))
    try:
        chosen_journey(system, plan.load.journey)
    except UsageError as error:
        yield ("load", "journey"), str(error).removeprefix("--journey ")


def _unwanted(entry: Entry, experiment: Experiment, system: System) -> Iterator[tuple[str, str]]:
    select, names = experiment.extension.select, [each.name for each in system.services]
    if not harms_pods(select):
        for field in ("services", "targets"):
            if getattr(entry, field):
                yield field, f"{entry.name} chooses no replicas (select {select}); leave it out"
    if entry.node and select != "one-node":
        yield "node", f"{entry.name} chooses no node (select {select}); leave it out"
    for service in entry.services:
        if service not in names:
            yield "services", f"there is no service {service!r}; give {', '.join(names)}"
