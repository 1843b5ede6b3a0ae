"""The command ``seatrial gameday``: a plan of experiments under load, steered by people, and its record."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from seatrial.chaos.command import Confirm, Context, Description, Name, connect
from seatrial.chaos.conduct import require_writable
from seatrial.chaos.experiment_file import find_experiment
from seatrial.chaos.history_file import keep_load, summary, write_json
from seatrial.chaos.lint import refuse_unfit
from seatrial.chaos.outcome import INTERRUPTED, SUMMARY
from seatrial.chaos.plan import describe
from seatrial.chaos.runner import ROLLBACK_SECONDS
from seatrial.chaos.series import LOAD, activities_in
from seatrial.chaos.shortfalls import shortfalls
from seatrial.cluster import kind
from seatrial.errors import Verdict
from seatrial.gameday.day import Day, Held, hold, judge_day
from seatrial.gameday.desk import Cause, Desk, Telling
from seatrial.gameday.ears import Ears
from seatrial.gameday.lookout import Lookout
from seatrial.gameday.orders import HELP
from seatrial.gameday.plan import DayPlan
from seatrial.gameday.plan_file import read_plan
from seatrial.gameday.record import facts_of
from seatrial.gameday.stop import Seen
from seatrial.gameday.view import Situation, line, panel
from seatrial.load.command import versions_of
from seatrial.load.demand import Demand, chosen_journey
from seatrial.load.records import Tail
from seatrial.load.runner import RAW
from seatrial.load.session import prepare
from seatrial.load.target import Order, Target, customers_for, goes_through_gateway
from seatrial.paths import ROOT
from seatrial.progress import PLAIN_NOTE_SECONDS, Phases
from seatrial.report.gameday_page import gameday_page
from seatrial.report.load_plot import load_plot
from seatrial.system_file import load_system

RECORD, PAGE = "gameday.json", "gameday.html"


def gameday(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.yaml", help="The plan: see docs/gameday.md.")],
    approver: Annotated[
        str | None, typer.Option(help="Who approves the record; asked at the end of a terminal's day when left out.")
    ] = None,
    overlay: Annotated[str, typer.Option(help="The overlay that is deployed there: it says how customers come in.")] = (
        "nginx"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what each experiment would do.")] = False,
    name: Name = None,
    context: Context = None,
    confirm: Confirm = None,
    system: Description = ROOT / "system.yaml",
    reports: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "reports" / "gameday",
) -> None:
    """Hold a game day; 0 means that all of its plan was run, survived, and explained."""
    description, system = load_system(system), system.resolve()
    planned = read_plan(plan, description)
    through_gateway = goes_through_gateway(description, overlay, None)
    cluster = connect(name, context, description, confirm)
    folder = reports.resolve() / f"{plan.stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    day = Day(planned, cluster, description, system, folder)
    for each in {entry.name for entry in planned.experiments}:
        refuse_unfit(find_experiment(each))
    told = [text for entry in planned.experiments for text in describe(day.planned(entry))]  # refused before it begins
    if dry_run:
        typer.echo("\n".join([*told, "Dry run: nothing was touched"]))
        return
    require_writable(folder)
    target = Target(cluster, name or context or kind.DEFAULT_NAME, context is None)
    longest = 60 * planned.stop.minutes + ROLLBACK_SECONDS + description.tolerances.rollout_seconds
    demand = Demand(planned.load.users, longest)
    order = Order(description, system, demand, chosen_journey(description, planned.load.journey), through_gateway)
    settings = {"system": description.name, "cluster": target.name, "overlay": overlay, "users": demand.users}
    lead(day, order, target, settings, approver)


def lead(day: Day, order: Order, target: Target, settings: Mapping[str, Any], approver: str | None) -> None:
    """Hold a day that was found to be good, and keep its record; ends with 0 only if all passed."""
    versions, work = versions_of(target), prepare(day.folder / LOAD)
    screen = Screen(day.plan)
    desk = screen.desk
    phases = Phases(Console(file=Telling(desk), highlight=False, soft_wrap=True))
    customers = customers_for(order, target, work, phases)
    look = partial(shortfalls, day.cluster, day.system)
    lookout = Lookout(desk, day.plan.stop, Tail(work / RAW), look, screen.show)
    with screen:
        held = hold(day, customers, lookout, desk, phases)
    by = approver if approver is not None else ask_approver(day.plan)
    verdict = keep(day, held, desk, settings, versions, by)
    if desk.cause is Cause.PERSON:
        raise typer.Exit(INTERRUPTED)
    if verdict is not Verdict.PASSED:
        raise typer.Exit(1)


def ask_approver(plan: DayPlan) -> str:
    """Return who approves the record, typed at a terminal; empty where there is none, or nobody does."""
    if not sys.stdin.isatty():
        return ""
    asked = f"Who approves this record? ({plan.approver} is asked for; empty: not approved)"
    return str(typer.prompt(asked, default="", show_default=False, err=True)).strip()


def keep(
    day: Day, held: Held, desk: Desk, settings: Mapping[str, Any], versions: Mapping[str, str], approver: str
) -> Verdict:
    """Write record, page and load of a day, tell it in short, and return its verdict."""
    folder, history, title = day.folder, held.history, f"game day '{day.plan.title}'"
    judged = judge_day(held, desk, title)
    keep_load(history, folder, settings, versions)
    facts = facts_of(day.plan, held, desk, judged, settings, approver)
    write_json(folder / RECORD, facts)
    (folder / PAGE).write_text(gameday_page(facts, load_plot(history.record, history.phases)), encoding="utf-8")
    told = f"{summary(history, judged, title, folder)}\n    {f'approved by {approver}' if approver else 'not approved'}"
    (folder / SUMMARY).write_text(f"{told}\n", encoding="utf-8")
    typer.echo(told)
    return judged.verdict


class Screen:
    """What people see and say: a live view and keys at a terminal, plain lines and lines of standard input else."""

    def __init__(self, plan: DayPlan) -> None:
        self._plan = plan
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._told = 0.0
        self._open = ExitStack()
        self.desk = Desk(plan.lead, self._echo)
        self._ears: Ears | None = None

    def __enter__(self) -> Screen:
        if self._live:
            self._open.enter_context(self._live)
        descriptor = _descriptor()
        if descriptor is not None:
            self._ears = self._open.enter_context(Ears(descriptor, self.desk.obey))
        self.desk.tell(f"{self._plan.title}: say {HELP}")
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    def show(self, seen: Seen) -> None:
        """Show what is seen now; without a terminal, from time to time."""
        here = self._situation()
        if self._live:
            self._live.update(panel(self._plan, seen, here), refresh=True)
        elif seen.now - self._told >= PLAIN_NOTE_SECONDS:
            self._told = seen.now
            self._echo(line(self._plan, seen, here))

    def _situation(self) -> Situation:
        desk, folder = self.desk, self.desk.folder
        activities = activities_in(folder) if folder else ()
        typed = self._ears.typing.line if self._ears else None
        return Situation(desk.current, desk.following, activities, desk.paused, desk.ending, len(desk.notes), typed)

    def _echo(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def _descriptor() -> int | None:
    """Return the descriptor of standard input; None where there is none."""
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return None
