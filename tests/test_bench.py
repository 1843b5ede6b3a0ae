"""The table of starts, and when a start counts as too slow."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from seatrial import bench
from seatrial.bench import Start, measure, table
from seatrial.errors import EnvironmentFault


def rows(starts: list[Start]) -> list[list[str]]:
    """Return the cells of the table as they are shown."""
    output = io.StringIO()
    Console(file=output, width=120).print(table(starts))
    lines = (line for line in output.getvalue().splitlines() if line.startswith("│"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_each_phase_is_a_row_and_the_whole_start_is_the_last_with_its_bound() -> None:
    bare = Start("bare cluster", 31.26, 45.0, {"check cluster": 0.1, "create cluster": 29.96})
    assert rows([bare, Start("with system", 60.0, 75.0, {"platform": 2.0})]) == [
        ["bare cluster", "check cluster", "0.1", ""],
        ["bare cluster", "create cluster", "30.0", ""],
        ["bare cluster", "all", "31.3", "45"],
        ["with system", "platform", "2.0", ""],
        ["with system", "all", "60.0", "75"],
    ]


def test_a_start_without_phases_is_one_row() -> None:
    assert rows([Start("bare cluster", 0.4, 45.0, {})]) == [["bare cluster", "all", "0.4", "45"]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have every command succeed; returns their arguments."""
    noted: list[list[str]] = []

    def run(command: list[str], check: bool) -> Any:
        arguments = [word for word in command[len(bench.COMMAND) :] if not word.startswith("--timings=")]
        noted.append(arguments)
        for word in command:
            if word.startswith("--timings="):
                Path(word.removeprefix("--timings=")).write_text(json.dumps({"create cluster": 1.5}))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bench.subprocess, "run", run)
    monkeypatch.setattr(bench, "measure_connections", lambda name: Start("connections", 0.5, 3.0, {}))
    return noted


def test_a_start_has_the_phases_that_the_command_wrote(ran: list[list[str]]) -> None:
    start = measure("bare cluster", 45.0, "--name=bench", "--bare")
    assert (start.name, start.bound_seconds, start.phases) == ("bare cluster", 45.0, {"create cluster": 1.5})
    assert 0 <= start.seconds < 5
    assert ran == [["up", "--name=bench", "--bare"]]


def test_a_start_that_fails_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.subprocess, "run", lambda command, check: subprocess.CompletedProcess(command, 10))
    with pytest.raises(EnvironmentFault) as caught:
        measure("bare cluster", 45.0, "--name=bench", "--bare")
    assert str(caught.value) == "seatrial up --name=bench --bare ended with 10"


def test_every_start_begins_without_a_cluster_and_leaves_none(ran: list[list[str]]) -> None:
    bench.main(cold=True, name="bench")
    assert ran == [
        ["down", "--all"],
        ["up", "--name=bench"],
        ["down", "--name=bench"],
        ["up", "--name=bench", "--bare"],
        ["down", "--name=bench"],
        ["up", "--name=bench"],
        ["down", "--name=bench"],
    ]


def test_a_start_beyond_its_bound_ends_with_1(ran: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BARE_BOUND_SECONDS", 0.0)
    with pytest.raises(typer.Exit) as caught:
        bench.main(cold=False, name="bench")
    assert caught.value.exit_code == 1
