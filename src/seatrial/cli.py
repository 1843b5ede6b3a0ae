"""The command ``seatrial``: up, down, status, doctor, load, chaos, gameday, failover, power, contract."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from seatrial.chaos.command import chaos
from seatrial.chaos.storm_command import storm
from seatrial.cluster import deploy, doctor, kind, teardown
from seatrial.cluster.addons import load_addons
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.status import observe_status
from seatrial.cluster.up import Wanted, cluster_up, platform_up, system_objects, system_up
from seatrial.contract import load_frontend, save_answers
from seatrial.errors import EnvironmentFault, Failed, SeaTrialError, UsageError
from seatrial.gameday.command import gameday
from seatrial.load.command import load
from seatrial.observe.way_in import frontend_client, frontend_token, observe_way_in, send
from seatrial.paths import ROOT
from seatrial.power.judge import Fate
from seatrial.power.mutants import load_mutants
from seatrial.power.runner import MATRIX, measure
from seatrial.progress import Phases
from seatrial.report.command import failover
from seatrial.system_file import load_system

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
contract = typer.Typer(no_args_is_help=True, help="What the frontend relies on.")
app.add_typer(contract, name="contract")
app.add_typer(chaos, name="chaos")
chaos.command()(storm)
app.command()(load)
app.command()(gameday)
app.command()(failover)
Name = Annotated[str, typer.Option(help="Name of the kind cluster.")]


@app.command()
def up(
    name: Name = kind.DEFAULT_NAME,
    workers: Annotated[
        int | None, typer.Option(min=1, max=9, help="Worker nodes beside the one control plane; as they are, else 2.")
    ] = None,
    overlay: Annotated[str, typer.Option(help="Overlay under manifests/overlays, or a folder.")] = "nginx",
    system: Annotated[Path, typer.Option(help="Description of the system under test.")] = ROOT / "system.yaml",
    bare: Annotated[bool, typer.Option("--bare", help="Only the cluster, without the reference system.")] = False,
    supply: Annotated[str, typer.Option(help="Where images come from: auto, pull or build.")] = "auto",
    mirror: Annotated[str | None, typer.Option(help="Registry (host:port) that holds the upstream images.")] = None,
    api_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65535, help="Loopback port of the API server; as it is, else any."),
    ] = None,
    timings: Annotated[Path | None, typer.Option(help="Write the seconds of each phase to this JSON file.")] = None,
) -> None:
    """Start the cluster and the reference system; whatever runs already is kept."""
    description = load_system(system)  # bad input is told before anything is started
    folder = deploy.overlay_folder(overlay)
    phases = Phases()
    addons = load_addons(folder)
    cluster = cluster_up(Wanted(name, workers, supply, mirror, api_port, addons), phases)
    if not bare:
        connection = cluster.connect()
        platform_up(connection, addons, phases)
        system_up(connection, system_objects(connection, folder, description), description.namespace, phases)
    if timings:
        timings.write_text(json.dumps(phases.seconds, indent=2))
    typer.echo(f"Cluster {name} is up; kubeconfig: {cluster.kubeconfig}")


@app.command()
def down(
    name: Name = kind.DEFAULT_NAME,
    everything: Annotated[
        bool, typer.Option("--all", help="Also free images and caches, and stop the engine.")
    ] = False,
) -> None:
    """Remove exactly what was created: the cluster, and with --all every image and cache."""
    removed = kind.delete(KindCluster(name)) if teardown.engine_answers() else ()
    typer.echo(f"Removed {', '.join(removed)}" if removed else f"No cluster {name} here")
    if everything:
        typer.echo(f"Freed {teardown.free_everything():,} bytes")


@app.command()
def status(
    name: Name = kind.DEFAULT_NAME,
    system: Annotated[Path, typer.Option(help="Description of the system under test.")] = ROOT / "system.yaml",
) -> None:
    """Show nodes, workloads and the endpoints of each service."""
    description = load_system(system)
    console = Console(highlight=False)
    for title, columns, rows in observe_status(KindCluster(name), description):
        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)


@app.command("doctor")
def examine() -> None:
    """Examine this machine: what is wrong, and the one command that mends it."""
    findings = doctor.examine()
    for finding in findings:
        mark = "ok   " if finding.ok else "WRONG" if finding.fatal else "note "
        typer.echo(f"{mark} {finding.subject:<12} {finding.observed}")
        if not finding.ok:
            typer.echo(f"                   mend: {finding.remedy}")
    if any(finding.fatal and not finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def power(
    names: Annotated[
        list[str] | None, typer.Argument(help="Seeded faults, by number or name; all when left out.")
    ] = None,
    reports: Annotated[Path, typer.Option(help="Where the matrix and each run's reports go.")] = ROOT
    / "reports"
    / "power",
) -> None:
    """Measure detection power: each seeded fault must turn its criterion red, for the expected reason."""
    mutants, fates = load_mutants(names or ()), []
    for finding in measure(mutants, reports.resolve(), Phases()):
        fates.append(finding.fate)
        typer.echo(f"{finding.fate.upper()} {finding.criterion} {finding.mutant} ({finding.overlay}): {finding.fault}")
        typer.echo("\n".join(f"    {line}" for line in finding.reason.splitlines()))
    typer.echo(f"{fates.count(Fate.KILLED)} of {len(mutants)} seeded faults found; matrix: {reports / MATRIX}")
    if set(fates) != {Fate.KILLED}:
        raise typer.Exit(1)


@contract.command()
def record(
    name: Name = kind.DEFAULT_NAME,
    system: Annotated[Path, typer.Option(help="Description of the system under test.")] = ROOT / "system.yaml",
    through_gateway: Annotated[
        bool, typer.Option("--through-gateway", help="Ask at the gateway, not each service by its own port.")
    ] = False,
) -> None:
    """Record the answers to the frontend's calls, as the deployment that runs now gives them."""
    description = load_system(system)
    if description.frontend is None:
        raise UsageError(f"{system}: it declares no frontend", remedy="name the file of the frontend's calls there")
    if through_gateway and description.gateway is None:
        raise UsageError(f"--through-gateway: {system} declares no gateway", remedy="leave it out")
    calls = system.parent / description.frontend
    frontend, cluster = load_frontend(calls, description), KindCluster(name)
    if cluster.recorded() is None:
        raise EnvironmentFault(
            f"no cluster named {name} was created here", remedy="run 'seatrial up --overlay baseline'"
        )
    way = observe_way_in(cluster.connect(), description, frontend, through_gateway=through_gateway)
    with frontend_client(way) as client:
        token = frontend_token(client, way, description)
        answers = {each.name: send(client, way, each, frontend, token) for each in frontend.calls}
    good = {each: answer for each, answer in answers.items() if not isinstance(answer, str)}
    if len(good) < len(answers):
        lost = next(each for each in answers if each not in good)
        raise EnvironmentFault(f"{lost}: no answer: {answers[lost]}; nothing was recorded")
    typer.echo(f"Recorded {len(good)} answers in {save_answers(calls, good)}")


def main() -> None:
    """Run the command."""
    tell_errors(app)


def tell_errors(command: Callable[[], object]) -> None:
    """Run a command line; an error of ours is one line on standard error and its exit code."""
    try:
        command()
    except SeaTrialError as error:
        print(f"seatrial: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"seatrial: {error}", file=sys.stderr)
        sys.exit(EnvironmentFault.exit_code)
    except Failed as error:
        print(f"seatrial: {error}", file=sys.stderr)
        sys.exit(SeaTrialError.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("seatrial: interrupted; the same command goes on from here", file=sys.stderr)
        raise
