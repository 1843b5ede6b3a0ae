"""What those who lead a game day see: steady state, customers, the experiment that runs, and what comes next; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from seatrial.gameday.orders import SHOWN
from seatrial.gameday.plan import DayPlan
from seatrial.gameday.stop import Seen
from seatrial.load.activities import Activity
from seatrial.load.records import LoadRecord

RECENT_SECONDS = 10.0
"""Of customers' requests that are shown."""
Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the day stands."""

    current: str = ""
    following: str = ""
    activities: tuple[Activity, ...] = ()
    """Of the experiment that runs."""
    paused: bool = False
    ending: str = ""
    notes: int = 0
    typed: str | None = None
    """Line that is being typed; None when none is."""


def rows(plan: DayPlan, seen: Seen, here: Situation) -> Iterator[Row]:
    """Yield what is shown, each with its label."""
    passed = (seen.now - seen.began) / 60
    yield "time", f"{passed:.1f} of at most {plan.stop.minutes:g} min, {here.notes} notes"
    yield "steady state", _steady(seen)
    yield "customers", _customers(seen)
    yield "now", _now(here)
    yield "timeline", _timeline(here.activities, seen.now)
    yield "next", f"{here.following or '–'}{' (paused: continue lets it begin)' if here.paused else ''}"


def panel(plan: DayPlan, seen: Seen, here: Situation) -> Panel:
    """Return the same for a terminal, with the keys."""
    table = Table.grid(padding=(0, 2))
    for label, text in rows(plan, seen, here):
        table.add_row(label, Text(text))  # what is seen is no markup
    table.add_row("keys", Text(SHOWN if here.typed is None else f"{here.typed}█  (Enter; Esc forgets it)"))
    return Panel(table, title=Text(plan.title), title_align="left")


def line(plan: DayPlan, seen: Seen, here: Situation) -> str:
    """Return the same in one plain line."""
    return " | ".join(f"{label}: {text}" for label, text in rows(plan, seen, here))


def _steady(seen: Seen) -> str:
    if seen.lost_since is None:
        return "whole"
    return f"lost for {seen.now - seen.lost_since:.0f} s: {'; '.join(seen.lacking)}"


def _customers(seen: Seen) -> str:
    recent = LoadRecord(tuple(each for each in seen.requests if each.end >= seen.now - RECENT_SECONDS))
    if not recent.requests:
        return f"no request in {RECENT_SECONDS:g} s"
    p50, p99 = (1000 * each for each in recent.quantiles(0.5, 0.99))
    errors = "".join(f", {hits} × {error}" for error, hits in recent.errors().most_common(2))
    rate = len(recent.requests) / RECENT_SECONDS
    return f"{rate:.1f} requests a second, {len(recent.failed)} failed{errors}, p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def _now(here: Situation) -> str:
    if here.ending:
        return f"the day ends: {here.ending}"
    return here.current or "load alone"


def _timeline(activities: Sequence[Activity], now: float) -> str:
    if not activities:
        return "–"
    first = activities[0].start
    told = [f"{each.activity} +{each.start - first:.1f} s" for each in activities[-4:]]
    return f"{' → '.join(told)} (now +{now - first:.0f} s)"
