"""The command ``seatrial chaos storm``: experiments by chance under load, and their whole history checked."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from seatrial.capabilities import load_capabilities
from seatrial.chaos.command import Confirm, Context, Description, Name, connect
from seatrial.chaos.conduct import require_writable
from seatrial.chaos.experiment_file import experiments
from seatrial.chaos.extension import Need
from seatrial.chaos.history import judge_history
from seatrial.chaos.history_file import as_json, keep_load, summary, write_json
from seatrial.chaos.lint import refuse_unfit
from seatrial.chaos.outcome import INTERRUPTED, SUMMARY
from seatrial.chaos.series import LOAD
from seatrial.chaos.storm import Draw, allowed, draws, schedule
from seatrial.chaos.storm_run import Storm, run_storm
from seatrial.cluster import kind
from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import overlay_folder
from seatrial.cluster.ours import kind_cluster_of
from seatrial.errors import Verdict
from seatrial.load.command import versions_of
from seatrial.load.demand import Demand, chosen_journey
from seatrial.load.session import prepare
from seatrial.load.target import Order, Target, customers_for, goes_through_gateway
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system import System
from seatrial.system_file import load_system

HISTORY = "storm.json"


def storm(
    minutes: Annotated[
        float, typer.Option(min=1, max=240, help="How long; no experiment begins that might end later.")
    ],
    seed: Annotated[int | None, typer.Option(min=0, help="Of order and targets; a new one when left out.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this experiment that says 'storm: true'; may be repeated.")
    ] = None,
    pause_seconds: Annotated[float, typer.Option(min=0, max=600, help="Load alone before each experiment.")] = 10,
    users: Annotated[
        int | None, typer.Option(help="Customers at the same time; else load_users of the system.")
    ] = None,
    overlay: Annotated[str, typer.Option(help="The overlay that is deployed there: it says how customers come in.")] = (
        "nginx"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell the schedule, with targets of now.")] = False,
    name: Name = None,
    context: Context = None,
    confirm: Confirm = None,
    system: Description = ROOT / "system.yaml",
    reports: Annotated[Path, typer.Option(help="Folder of the records.")] = ROOT / "reports" / "chaos",
) -> None:
    """Run experiments by chance, one after the other under load; 0 means that all was survived and explained."""
    description, system = load_system(system), system.resolve()
    journey = chosen_journey(description, ())
    users = description.tolerances.load_users if users is None else users
    demand, through_gateway = Demand(users, 60 * minutes), goes_through_gateway(description, overlay, None)
    cluster = connect(name, context, description, confirm)
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    chosen = allowed(experiments(), only or (), present(cluster, description, overlay, through_gateway))
    planned = schedule(draws(chosen, seed), description, 60 * minutes, pause_seconds)
    folder = reports.resolve() / f"storm-{time.strftime('%Y%m%d-%H%M%S')}"
    wanted = Storm(cluster, description, system, 60 * minutes, pause_seconds, folder)
    if dry_run:
        typer.echo("\n".join([*foretold(wanted, planned, seed), "Dry run: nothing was touched"]))
        return
    for each in {draw.experiment.path for draw in planned}:
        refuse_unfit(each)
    wanted.plan(planned[0])  # refused before anybody is sent
    require_writable(folder)
    target = Target(cluster, name or context or kind.DEFAULT_NAME, context is None)
    order = Order(description, system, demand, journey, through_gateway)
    settings = {"seed": seed, "minutes": minutes, "pause seconds": pause_seconds, "overlay": overlay, "users": users}
    settings |= {"system": description.name, "cluster": target.name, "chosen from": [each.name for each in chosen]}
    perform(wanted, draws(chosen, seed), order, target, settings)


def perform(wanted: Storm, chosen: Iterator[Draw], order: Order, target: Target, settings: Mapping[str, Any]) -> None:
    """Run a storm and tell what came of it; ends with 0 only if all passed."""
    phases, versions, folder = Phases(), versions_of(target), wanted.folder
    customers = customers_for(order, target, prepare(folder / LOAD), phases)
    history = run_storm(wanted, chosen, customers, phases)
    title = f"storm of seed {settings['seed']}"
    judged = judge_history(history, title)
    keep_load(history, folder, settings, versions)
    write_json(folder / HISTORY, as_json(history, judged, settings))
    told = summary(history, judged, title, folder)
    (folder / SUMMARY).write_text(f"{told}\n", encoding="utf-8")
    typer.echo(told)
    if history.interrupted or judged.verdict is not Verdict.PASSED:
        raise typer.Exit(INTERRUPTED if history.interrupted else 1)


def present(cluster: Cluster, system: System, overlay: str, through_gateway: bool) -> set[Need]:
    """Return what experiments may need that is here; pure but for the overlay's file and the record of clusters."""
    promised: dict[Need, Any] = {
        "engine": kind_cluster_of(cluster),
        "faults": system.faults,
        "gateway": through_gateway,
        "mesh": system.mesh and load_capabilities(overlay_folder(overlay)).get("mesh") is True,
    }
    return {need for need, there in promised.items() if there}


def foretold(wanted: Storm, planned: Sequence[Draw], seed: int) -> Iterator[str]:
    """Yield the schedule: what a storm comes to if each experiment is quick, with targets among the replicas of now."""
    yield f"Storm of seed {seed}, at most {len(planned)} experiments in {wanted.seconds / 60:g} min:"
    for draw in planned:
        targets = wanted.plan(draw).targets
        who = ", ".join(targets.places) or "its own targets"
        names = ", ".join(filter(None, (*(pod.name for pod in targets.pods), targets.node)))
        yield f"  {draw.number} {draw.experiment.name}, seed {draw.seed}: {who}{f' (now {names})' if names else ''}"
    yield "The seed repeats order and places, in the order of restarts and name; names of pods differ between runs"
