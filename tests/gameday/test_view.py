"""What is seen of a game day, in words."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from seatrial.gameday.plan_file import read_plan
from seatrial.gameday.stop import Seen
from seatrial.gameday.view import Situation, line, panel, rows
from seatrial.load.activities import Activity
from seatrial.load.records import LoadRequest
from seatrial.paths import ROOT
from seatrial.system_file import load_system

PLAN = read_plan(ROOT / "docs" / "first-gameday.yaml", load_system(ROOT / "system.yaml"))
REQUESTS = (
    *(LoadRequest(991.0, 0.02, "look", 200, "", "") for _ in range(40)),
    LoadRequest(995.0, 0.1, "look", 0, "refused", ""),
    LoadRequest(900.0, 0.1, "look", 0, "old", ""),
)
SEEN = Seen(1000.0, 940.0, REQUESTS)
HERE = Situation(
    current="3 process-crash",
    following="4 rolling-update",
    activities=(
        Activity("guard-cluster", "action", 980.0, 980.4),
        Activity("crash-replicas", "action", 981.5, 982.0),
    ),
    notes=2,
)


def test_an_experiment_that_runs_is_shown_with_its_timeline() -> None:
    assert dict(rows(PLAN, SEEN, HERE)) == {
        "time": "1.0 of at most 60 min, 2 notes",
        "steady state": "whole",
        "customers": "4.1 requests a second, 1 failed, 1 × look: refused, p50 20 ms, p99 20 ms",
        "now": "3 process-crash",
        "timeline": "guard-cluster +0.0 s → crash-replicas +1.5 s (now +20 s)",
        "next": "4 rolling-update",
    }


def test_trouble_is_shown() -> None:
    lost = replace(SEEN, lost_since=990.0, lacking=("auth has 2 of 3",), requests=())
    told = dict(rows(PLAN, lost, Situation(following="1 pod-delete", paused=True)))
    assert told["steady state"] == "lost for 10 s: auth has 2 of 3"
    assert told["customers"] == "no request in 10 s"
    assert (told["now"], told["timeline"]) == ("load alone", "–")
    assert told["next"] == "1 pod-delete (paused: continue lets it begin)"
    ending = dict(rows(PLAN, lost, Situation(ending="a person aborted it")))
    assert (ending["now"], ending["next"]) == ("the day ends: a person aborted it", "–")


def test_without_a_terminal_it_is_one_line() -> None:
    told = line(PLAN, SEEN, HERE)
    assert told.startswith("time: 1.0 of at most 60 min, 2 notes | steady state: whole | customers: 4.1 ")
    assert "\n" not in told


def test_a_terminal_shows_the_keys_or_what_is_typed() -> None:
    def shown(here: Situation) -> str:
        console = Console(width=120)
        with console.capture() as capture:
            console.print(panel(PLAN, SEEN, here))
        return capture.get()

    assert "p pause · c continue · s skip · a abort and heal · n note" in shown(HERE)
    assert "note [red]pager█  (Enter; Esc forgets it)" in shown(replace(HERE, typed="note [red]pager"))
