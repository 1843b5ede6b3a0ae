"""Progress: what a person reads while long work passes, on a terminal and off it."""

from __future__ import annotations

import io
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from seatrial import progress
from seatrial.progress import Phases


def plain() -> Phases:
    return Phases(Console(file=io.StringIO(), highlight=False))


def terminal() -> Phases:
    return Phases(Console(file=io.StringIO(), force_terminal=True, highlight=False, width=200))


def lines(phases: Phases) -> list[str]:
    """Return what was told, without colours and with every duration as 0.0 s."""
    output = phases.console.file
    assert isinstance(output, io.StringIO)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    return [re.sub(r"\d+\.\d s", "0.0 s", line) for line in re.split(r"[\r\n]+", text) if line.strip()]


def test_off_a_terminal_a_phase_is_two_lines_with_its_estimate_and_what_comes_next() -> None:
    phases = plain()
    with phases.phase("compile", estimate_seconds=490, then="node image"):
        pass
    with phases.phase("check"):
        pass
    assert lines(phases) == [
        "· compile (about 490 s, next: node image) …",
        "✓ compile 0.0 s",
        "· check …",
        "✓ check 0.0 s",
    ]


@pytest.mark.parametrize("error", [RuntimeError("broke"), KeyboardInterrupt()])
def test_a_phase_that_does_not_end_well_is_told_and_not_counted(error: BaseException) -> None:
    phases = plain()
    with pytest.raises(type(error)), phases.phase("compile"):
        raise error
    assert lines(phases)[-1] == "✗ compile: stopped after 0.0 s"
    assert phases.seconds == {}


def test_phases_of_one_name_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 12.5, 20.0, 21.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    phases = plain()
    for _ in range(2):
        with phases.phase("compile"):
            pass
    assert phases.seconds == {"compile": 3.5}


def test_a_long_phase_says_from_time_to_time_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_NOTE_SECONDS", 0.01)
    phases, both = plain(), threading.Event()
    places = iter(["7 of 9 packages", "8 of 9 packages"])

    def tell() -> str:
        place = next(places, "")
        if not place:
            both.set()
        return place

    with phases.phase("compile", estimate_seconds=490) as note:
        note(tell)
        assert both.wait(5)
    assert lines(phases)[1:3] == [
        "  compile (about 490 s): 7 of 9 packages",
        "  compile (about 490 s): 8 of 9 packages",
    ]


def test_a_phase_that_has_ended_says_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_NOTE_SECONDS", 0.05)
    phases = plain()
    with phases.phase("compile") as note:
        note(lambda: "never told")
    time.sleep(0.15)
    assert "never told" not in "".join(lines(phases))


def test_on_a_terminal_only_the_end_of_a_phase_stays() -> None:
    phases = terminal()
    with phases.phase("compile", then="node image"):
        phases.say("Installing [docker.io]")
    told = lines(phases)
    assert "Installing [docker.io]" in told
    assert "✓ compile 0.0 s" in told
    assert "· compile (next: node image) …" not in told


@pytest.mark.parametrize("make", [plain, terminal])
def test_phases_of_several_threads_are_all_told_and_counted(make: type[Phases]) -> None:
    phases = make()
    both = threading.Barrier(2, timeout=10)

    def work(name: str) -> None:
        with phases.phase(name):
            both.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ["compile", "Debian"]))
    assert set(phases.seconds) == {"compile", "Debian"}
    assert {"✓ compile 0.0 s", "✓ Debian 0.0 s"} <= set(lines(phases))
    with phases.phase("after"):
        pass
    assert "✓ after 0.0 s" in lines(phases)


def test_a_line_is_told_as_it_is_whatever_brackets_it_has() -> None:
    phases = plain()
    phases.say("x" * 300 + " [bold]not markup[/bold]")
    assert lines(phases) == ["x" * 300 + " [bold]not markup[/bold]"]
