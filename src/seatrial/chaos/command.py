"""The commands ``seatrial chaos``: list, run, heal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from seatrial.chaos.account import remove_accounts
from seatrial.chaos.conduct import conduct, healed, require_writable
from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import experiments, find_experiment, read_experiment
from seatrial.chaos.lint import refuse_unfit
from seatrial.chaos.plan import Wish, describe, make_plan
from seatrial.cluster import kind
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.cluster.kind import KindCluster, current_kubeconfig, kubectl
from seatrial.cluster.opt_in import TYPED, opt_in
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system import System
from seatrial.system_file import load_system

chaos = typer.Typer(no_args_is_help=True, help="Experiments that break something, and prove what came of it.")
Name = Annotated[str | None, typer.Option(help="Name of the kind cluster.")]
Context = Annotated[str | None, typer.Option(help="Context of your own kubeconfig, instead of a kind cluster.")]
Confirm = Annotated[
    str | None, typer.Option(help="The context's name once more, where faults are done to a cluster not created here.")
]
Description = Annotated[Path, typer.Option("--system", help="Description of the system under test.")]


@chaos.command("list")
def show() -> None:
    """Show what experiments there are, how far each reaches, and what it needs."""
    columns = ("name", "what is tried", "select", "blast radius", "needs", "criteria")
    table = Table(*columns, title="Experiments", title_justify="left")
    for each in experiments():
        table.add_row(*row_of(each))
    Console(highlight=False).print(table)


def row_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the cells of one experiment in the table."""
    extension = experiment.extension
    radius = extension.blast_radius
    reach = [f"{radius.pods} pods ({radius.percent_ready} %)" if radius.pods else ""]
    reach += [f"{radius.nodes} nodes" if radius.nodes else "", f"{radius.minutes:g} min"]
    reach += ["total loss" if extension.total_loss else ""]
    return (
        experiment.name,
        experiment.document.title,
        extension.select,
        ", ".join(filter(None, reach)),
        ", ".join(extension.needs) or "-",
        ", ".join(experiment.criteria),
    )


@chaos.command()
def run(
    experiment: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of an experiment: see 'seatrial chaos list'.")
    ],
    service: Annotated[list[str] | None, typer.Option(help="Choose among the replicas of this service only.")] = None,
    targets: Annotated[str | None, typer.Option(help="Regular expression of the pods that are to suffer.")] = None,
    node: Annotated[str | None, typer.Option(help="Worker node that is to suffer.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of who suffers; a new one when left out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell targets, calls, permissions, limits.")] = False,
    name: Name = None,
    context: Context = None,
    confirm: Confirm = None,
    system: Description = ROOT / "system.yaml",
    reports: Annotated[Path, typer.Option(help="Folder of the records.")] = ROOT / "reports" / "chaos",
) -> None:
    """Run one experiment; 0 means that it happened, was survived, and that all is as before."""
    path, description = find_experiment(experiment), load_system(system)
    refuse_unfit(path)
    cluster = connect(name, context, description, confirm)
    wish = Wish(tuple(service or ()), targets, node, seed)
    plan = make_plan(read_experiment(path), cluster, description, system.resolve(), wish)
    if dry_run:
        typer.echo("\n".join([*describe(plan), "Dry run: nothing was touched"]))
        return
    folder = reports / f"{plan.experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    require_writable(folder)
    outcome = conduct(plan, folder, Phases())
    typer.echo(str(outcome))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


@chaos.command("heal")
def mend(
    name: Name = None,
    context: Context = None,
    confirm: Confirm = None,
    system: Description = ROOT / "system.yaml",
) -> None:
    """Take away what experiments left behind, and prove that the system is in its steady state; may be repeated."""
    description = load_system(system)
    cluster = connect(name, context, description, confirm)
    require_owned(cluster)
    with Phases().phase("heal, and proof of the steady state"):
        removed = remove_accounts(cluster)
        lacking = healed(cluster, description)
    for each in removed:
        typer.echo(f"Removed {each}")
    if lacking:
        raise EnvironmentFault(f"the system is not healed: {'; '.join(lacking)}", remedy="see 'seatrial status'")
    typer.echo("The system is in its steady state")


def connect(name: str | None, context: str | None, system: System, confirm: str | None) -> Cluster:
    """Return a connection to the kind cluster of that name, or to a context of the user's own kubeconfig.

    Whether it may be harmed is for the guard to say. A person at a terminal is asked to type the context's name where
    the description allows it.
    """
    if context is None:
        ours = KindCluster(name or kind.DEFAULT_NAME)
        if ours.recorded() is None:
            raise EnvironmentFault(f"no cluster named {ours.name} was created here", remedy="run 'seatrial up'")
        return ours.connect()
    if name is not None:
        raise UsageError("--name and --context name two clusters", remedy="leave one of them out")
    said = opt_in(system, confirm or "")
    if context in said.contexts and not said.typed and sys.stdin.isatty():
        asked = f"{context} was not created here. Type its name to allow faults there ({TYPED})"
        said = opt_in(system, typer.prompt(asked, default="", show_default=False, err=True))
    return Cluster(current_kubeconfig("--context"), kubectl(), context, said)
