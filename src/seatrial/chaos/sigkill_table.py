"""What came of killing a runner at some moment, and the table of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos.watch_order import State, Watch

NOBODY = "nobody: nothing was to be undone"


@dataclass(frozen=True, slots=True)
class Kill:
    """One runner that was killed, and how the system was afterwards."""

    number: int
    experiment: str
    moment_seconds: float
    """From the start of the runner to its death."""
    healed_by: str
    healed_seconds: float
    """From the runner's death to a system that was proven steady by whoever healed it."""
    left_behind: tuple[str, ...]
    """What an independent look found afterwards; empty when nothing was left."""
    note: str = ""

    @property
    def good(self) -> bool:
        return not self.left_behind


def healers(watch: Watch | None, dead_man: str) -> str:
    """Return who changed something after the runner's death, from what watchdog and dead man told."""
    names = []
    if watch and watch.stopped:
        names.append("the experiment's own rollbacks")
    if watch and any(is_done(line) for line in (*watch.reverted, *watch.healed)):
        names.append("watchdog")
    if any(each["outcome"] == "done" for each in outcomes(dead_man)):
        names.append("dead man")
    return " and ".join(names) or NOBODY


def is_done(line: str) -> bool:
    """Tell whether a line of a watchdog tells of something that was changed."""
    return line.endswith(": done")


def outcomes(dead_man: str) -> list[dict[str, str]]:
    """Return what a dead man told, empty when it did not act or what it told cannot be read."""
    try:
        found = json.loads(dead_man or "[]")
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict) and "outcome" in each] if isinstance(found, list) else []


def shortcomings(watch: Watch | None) -> Iterator[str]:
    """Yield why a watchdog's own word says that the system is not healed.

    One that had not come to its first word watched no fault yet.
    """
    if watch and watch.state not in (State.HEALED, State.DISMISSED):
        yield f"the watchdog: {watch.state}: {watch.missing or 'no reason told'}"


def table(kills: Sequence[Kill]) -> str:
    """Return the kills as a table in Markdown, one a line, and the worst time."""
    head = "| # | experiment | killed after | healed by | healed within | left behind |"
    rows = [head, "|---|---|---|---|---|---|", *map(_row, kills)]
    good = sum(each.good for each in kills)
    worst = max((each.healed_seconds for each in kills if each.good), default=0.0)
    return "\n".join(
        [*rows, "", f"{good} of {len(kills)} healed with nothing left behind, the slowest in {worst:.0f} s."]
    )


def _row(kill: Kill) -> str:
    left = "; ".join(line.splitlines()[0] for line in kill.left_behind) or "nothing"
    cells = (
        str(kill.number),
        kill.experiment,
        f"{kill.moment_seconds:.1f} s",
        kill.healed_by,
        f"{kill.healed_seconds:.0f} s",
        f"{left}{f' ({kill.note})' if kill.note else ''}",
    )
    return f"| {' | '.join(cells)} |"
