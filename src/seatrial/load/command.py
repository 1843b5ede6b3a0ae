"""The command ``seatrial load``: customers at work for a while, and what became of their requests."""

from __future__ import annotations

import platform
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from seatrial.cluster import kind
from seatrial.errors import UsageError
from seatrial.load.demand import LONGEST_SECONDS, MOST_WORKERS, Demand, chosen_journey
from seatrial.load.records import LoadRecord
from seatrial.load.results import PAGE, span
from seatrial.load.session import conclude, prepare, work
from seatrial.load.target import Order, Target, customers_for, find_target, goes_through_gateway
from seatrial.observe.kube import kubernetes_version
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system_file import load_system

SECONDS = 60.0
"""Of a load when nothing is said."""


def load(
    users: Annotated[
        int | None, typer.Option(help="Customers at the same time; else load_users of the system.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help=f"How long; at most {LONGEST_SECONDS / 60:g}.")] = None,
    seconds: Annotated[float | None, typer.Option(help=f"How long; {SECONDS:g} when nothing is said.")] = None,
    workers: Annotated[
        int, typer.Option(help=f"Locust workers as pods in the cluster, at most {MOST_WORKERS}; 0: one process here.")
    ] = 0,
    name: Annotated[str, typer.Option(help="Name of the kind cluster.")] = kind.DEFAULT_NAME,
    cluster: Annotated[str, typer.Option(help="kind, or current: that of the kubeconfig.")] = "kind",
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig, instead of a kind cluster.")] = None,
    overlay: Annotated[str, typer.Option(help="The overlay that is deployed there: it says how customers come in.")] = (
        "nginx"
    ),
    through_gateway: Annotated[
        bool | None, typer.Option("--through-gateway/--by-service", help="The way in; as the overlay has it, else.")
    ] = None,
    journey: Annotated[
        list[str] | None, typer.Option(help="Only this step of the journey, as NAME or NAME=WEIGHT; may be repeated.")
    ] = None,
    system: Annotated[Path, typer.Option(help="Description of the system under test.")] = ROOT / "system.yaml",
    reports: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "reports" / "load",
    timeline: Annotated[
        Path | None, typer.Option(help="Timeline that an experiment writes meanwhile: its phases are told apart.")
    ] = None,
    image: Annotated[str, typer.Option(help="Image of the workers, where a registry has it; made here, else.")] = "",
) -> None:
    """Have customers use the system for a while, and tell what became of their requests."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us so wants the load to end, too
    described = load_system(system)
    users = described.tolerances.load_users if users is None else users
    demand = Demand(users, _seconds(minutes, seconds), workers)
    way = goes_through_gateway(described, overlay, through_gateway)
    order = Order(described, system, demand, chosen_journey(described, journey or ()), way, image)
    if timeline and not timeline.parent.is_dir():
        raise UsageError(
            f"--timeline {timeline}: there is no folder {timeline.parent}", remedy="give one that is there"
        )
    folder = prepare(reports)
    target, phases = find_target(name, context, cluster), Phases()
    settings, versions = _settings(order, target, overlay), versions_of(target)
    worked = work(customers_for(order, target, folder, phases), demand.seconds, phases)
    _tell(worked.record)
    troubles = conclude(reports, worked, settings, versions, timeline)
    typer.echo(f"Results: {reports / PAGE}, and the same as data beside it")
    for trouble in troubles:
        raise trouble


def _seconds(minutes: float | None, seconds: float | None) -> float:
    if minutes is not None and seconds is not None:
        raise UsageError("--minutes and --seconds both say how long", remedy="give one of them")
    return 60 * minutes if minutes is not None else SECONDS if seconds is None else seconds


def _settings(order: Order, target: Target, overlay: str) -> dict[str, Any]:
    demand = order.demand
    return {
        "system": order.system.name,
        "cluster": target.name,
        "overlay": overlay,
        "way in": "through the gateway" if order.through_gateway else "to each service",
        "users": demand.users,
        "users begin in a second": demand.join_per_second,
        "seconds": demand.seconds,
        "workers": demand.workers,
        "journey": dict(order.journey),
    }


def versions_of(target: Target) -> dict[str, str]:
    """Return the versions of all that makes a load."""
    packages = {name: version(name) for name in ("seatrial", "locust")}
    return {**packages, "python": platform.python_version(), "kubernetes": kubernetes_version(target.cluster)}


def _tell(record: LoadRecord) -> None:
    """Say in two lines what became of the requests."""
    first, last = span(record)
    count = len(record.requests)
    rate = f", {count / (last - first):,.1f} a second" if count else ""
    errors = ", ".join(f"{hits} × {error}" for error, hits in record.errors().most_common(5))
    typer.echo(f"{count:,} requests{rate}, {len(record.failed):,} failed{f': {errors}' if errors else ''}")
    p50, p95, p99 = (f"{1000 * value:.1f} ms" for value in record.quantiles(0.5, 0.95, 0.99))
    typer.echo(f"Latency of those that succeeded: p50 {p50}, p95 {p95}, p99 {p99}")
