"""The command ``seatrial failover``: how fast the faults of kept reports were over, against the declared bounds."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.table import Column, Table

from seatrial.errors import UsageError, fail_on
from seatrial.paths import ROOT
from seatrial.report.failover import COLUMNS, NUMBERS, Cell, beyond_bounds, cells_of, read_repetitions, rows_of
from seatrial.system_file import load_system


def failover(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Folders that runs' reports went to; reports/ when left out."),
    ] = None,
    least: Annotated[int, typer.Option(min=1, help="A fault with fewer repetitions is marked.")] = 10,
    table: Annotated[Path | None, typer.Option("--csv", help="Write the table to this file, too.")] = None,
    system: Annotated[Path, typer.Option(help="Description of the system under test: its bounds.")] = ROOT
    / "system.yaml",
) -> None:
    """Show the failover table: each fault and moment, median and worst of all repetitions, and the declared bound."""
    tolerances = load_system(system).tolerances
    if table and not table.parent.is_dir():
        raise UsageError(f"--csv {table}: there is no folder {table.parent}", remedy="give one that is there")
    once = {each.resolve(): each for each in folders or [ROOT / "reports"]}.values()
    found = [each for folder in once for each in read_repetitions(folder)]
    judged = [each for each in found if each.judged]
    cells = list(cells_of(judged, tolerances))
    _show(cells, least)
    faults, void = len({each.fault for each in judged}), len(found) - len(judged)
    typer.echo(f"Runs: {len(once)}; outages: {len(judged)}, of {faults} faults; left out without a verdict: {void}")
    if table:
        _write(table, cells)
    fail_on(beyond_bounds(cells))


def _show(cells: Sequence[Cell], least: int) -> None:
    console = Console(highlight=False, markup=False)
    columns = (Column(name, justify="right" if name in NUMBERS else "left") for name in COLUMNS)
    shown = Table(*columns, box=HEAVY_HEAD if console.is_terminal else None)
    for row in rows_of(cells, least):
        shown.add_row(*row)
    console.print(shown)
    if any(cell.outages < least for cell in cells):
        typer.echo(f"* fewer than {least} repetitions")


def _write(path: Path, cells: Sequence[Cell]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*(each.name for each in fields(Cell)), "within"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(cell.as_row() for cell in cells)
