"""The trial by SIGKILL: which runner is killed when, who healed, what is left, and that nothing is glossed over."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.chaos import sigkill_kill, sigkill_trial
from seatrial.chaos.processes import this_process
from seatrial.chaos.sigkill_kill import Fallen, Field, beside_dead_men, examine, kill_after, left_behind
from seatrial.chaos.sigkill_table import NOBODY, Kill, healers, shortcomings, table
from seatrial.chaos.sigkill_trial import Planned, arguments, chosen, fitting, kill_once, plan, trial
from seatrial.chaos.undo_records import Outcome, Reverted
from seatrial.chaos.watch_order import Order, State, Watch
from seatrial.errors import EnvironmentFault, Failed, Failure, UsageError

WATCH = Watch(State.HEALED, 1, 2, gone_at=100.0, ended_at=112.0)
GOOD = Kill(1, "pod-kill", 7.26, "watchdog", 12.4, ())
BAD = Kill(2, "node-pause", 31.0, "nobody", 60.0, ("node worker is not ready\n  expected  Ready",), "again")


def order(folder: Path) -> Order:
    return Order(this_process(), "kubeconfig", "kubectl", None, "{}", str(folder / "undo.jsonl"), "run-1", 5.0)


def field(script: str = "", **more: Any) -> Field:
    system: Any = SimpleNamespace(services=(), namespace="shop", tolerances=SimpleNamespace(lease_seconds=1))
    cluster: Any = SimpleNamespace()
    return Field(cluster, system, lambda name, folder: [sys.executable, "-c", script, str(folder)], **more)


def test_experiments_take_turns_and_the_seed_gives_the_moments() -> None:
    first = plan(("a", "b"), 5, 7)
    assert [each.experiment for each in first] == ["a", "b", "a", "b", "a"]
    assert [each.number for each in first] == [1, 2, 3, 4, 5]
    assert first == plan(("a", "b"), 5, 7)
    assert first != plan(("a", "b"), 5, 8)
    assert all(0 <= each.share < 1 for each in first)


def test_experiments_are_chosen_by_name_all_when_none_is_named() -> None:
    assert chosen("pod-kill") == ("pod-kill",)
    assert "pod-kill" in chosen("")
    with pytest.raises(UsageError, match=r"--experiments no-such: there is no such experiment; use .*pod-kill"):
        chosen("pod-kill,no-such")


def test_experiments_whose_needs_are_not_met_are_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def require(experiment: Any, *_: object) -> None:
        if experiment.name == "istiod-down":
            raise UsageError("istiod-down needs mesh", remedy="choose another")

    monkeypatch.setattr(sigkill_trial, "require_parts", require)
    there: Any = None
    assert fitting(("istiod-down", "pod-kill"), there, there) == ("pod-kill",)
    assert capsys.readouterr().out == "left out: istiod-down needs mesh\n"
    with pytest.raises(UsageError, match="none of them can be run here"):
        fitting(("istiod-down",), there, there)


def test_the_command_line_asks_for_twenty_and_needs_one() -> None:
    assert (arguments([]).times, arguments(["--times=3", "--seed=9"]).seed) == (20, 9)


@pytest.mark.parametrize(
    ("watch", "dead_man", "who"),
    [
        (None, "", NOBODY),
        (WATCH, "", NOBODY),
        (WATCH.now(stopped=(7,)), "", "the experiment's own rollbacks"),
        (WATCH.now(reverted=("x: done",)), "", "watchdog"),
        (WATCH.now(healed=("x: was already so", "y: done")), "", "watchdog"),
        (WATCH.now(reverted=("x: was already so",)), '[{"what": "x", "outcome": "done"}]', "dead man"),
        (None, '[{"what": "x", "outcome": "was already so"}]', NOBODY),
        (None, "{broken", NOBODY),
        (WATCH.now(reverted=("x: done",)), '[{"outcome": "done"}]', "watchdog and dead man"),
    ],
)
def test_who_healed_is_who_changed_something(watch: Watch | None, dead_man: str, who: str) -> None:
    assert healers(watch, dead_man) == who


def test_a_watchdog_that_does_not_call_the_system_healed_is_told() -> None:
    assert list(shortcomings(WATCH)) == list(shortcomings(WATCH.now(state=State.DISMISSED))) == []
    assert list(shortcomings(None)) == []
    told = list(shortcomings(WATCH.now(state=State.NOT_HEALED, missing="auth is not whole")))
    assert told == ["the watchdog: not healed: auth is not whole"]
    assert list(shortcomings(WATCH.now(state=State.WATCHING))) == ["the watchdog: watching: no reason told"]


def test_the_table_tells_what_is_left_and_counts() -> None:
    assert table([GOOD, BAD]).splitlines() == [
        "| # | experiment | killed after | healed by | healed within | left behind |",
        "|---|---|---|---|---|---|",
        "| 1 | pod-kill | 7.3 s | watchdog | 12 s | nothing |",
        "| 2 | node-pause | 31.0 s | nobody | 60 s | node worker is not ready (again) |",
        "",
        "1 of 2 healed with nothing left behind, the slowest in 12 s.",
    ]


def test_only_the_runner_is_killed_and_at_its_moment(tmp_path: Path) -> None:
    script = "import subprocess, sys, time; subprocess.Popen(['sleep', '1.5']); time.sleep(60)"
    began = time.monotonic()
    fallen = kill_after(field(script), "x", 0.5, tmp_path)
    assert isinstance(fallen, Fallen)
    assert 0.5 <= fallen.lived_seconds < 5
    assert time.monotonic() - began < 10
    assert fallen.order is None


def test_a_runner_that_ends_before_its_moment_tells_how_long_it_took(tmp_path: Path) -> None:
    taken = kill_after(field("pass"), "x", 30, tmp_path)
    assert isinstance(taken, float)
    assert 0 < taken < 20


def test_a_kill_that_comes_too_late_is_done_again_with_the_better_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[float] = []

    def kill(_: Field, name: str, seconds: float, folder: Path) -> Fallen | float:
        moments.append(seconds)
        return 10.0 if len(moments) == 1 else Fallen(0.0, seconds, None, folder)

    monkeypatch.setattr(sigkill_trial, "kill_after", kill)
    monkeypatch.setattr(sigkill_trial, "replicas_of", lambda _: {})
    monkeypatch.setattr(sigkill_trial, "examine", lambda *_: GOOD)
    lengths = {"x": 40.0}
    assert kill_once(field(), Planned(1, "x", 0.5), lengths, tmp_path) is GOOD
    assert moments == [20.0, 5.0]
    monkeypatch.setattr(sigkill_trial, "kill_after", lambda *_: 1.0)
    with pytest.raises(EnvironmentFault, match="x ended 3 times before it could be killed"):
        kill_once(field(), Planned(1, "x", 0.5), lengths, tmp_path)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an independent look finds; nothing at first."""
    found: dict[str, Any] = {"steady": None, "made": [], "replicas": {"auth": 3}, "told": (WATCH, "")}

    def steady(*_: object) -> None:
        if found["steady"]:
            raise found["steady"]

    monkeypatch.setattr(sigkill_kill, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(sigkill_kill, "prove_steady", steady)
    monkeypatch.setattr(sigkill_kill, "made_for_runs", lambda _: found["made"])
    monkeypatch.setattr(sigkill_kill, "replicas_of", lambda _: found["replicas"])
    monkeypatch.setattr(sigkill_kill, "await_healers", lambda *_: found["told"])
    return found


def fallen(folder: Path) -> Fallen:
    return Fallen(100.0, 7.0, order(folder), folder)


def test_a_kill_after_which_nothing_is_left_is_good(world: dict[str, Any], tmp_path: Path) -> None:
    kill = examine(field(), 1, "x", fallen(tmp_path), {"auth": 3})
    assert (kill.good, kill.healed_seconds, kill.moment_seconds, kill.healed_by) == (True, 12.0, 7.0, NOBODY)


def test_a_runner_that_had_dismissed_its_watchdog_was_healed_at_once(world: dict[str, Any], tmp_path: Path) -> None:
    world["told"] = (Watch(State.DISMISSED, 1, 2, ended_at=99.5), "")
    assert examine(field(), 1, "x", fallen(tmp_path), {"auth": 3}).healed_seconds == 0.0


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("steady", Failed(Failure("a fault is left behind", "nothing", "still to do: x")), "a fault is left behind"),
        ("steady", EnvironmentFault("no answer"), "no answer"),
        ("made", ["namespace seatrial-chaos"], "objects of dead men and accounts"),
        ("replicas", {"auth": 1}, "auth asks for 1 replicas, before for 3"),
        ("told", (WATCH.now(state=State.NOT_HEALED, missing="x"), ""), "the watchdog: not healed: x"),
    ],
)
def test_whatever_is_left_makes_it_bad(world: dict[str, Any], tmp_path: Path, key: str, value: Any, told: str) -> None:
    world[key] = value
    kill = examine(field(), 1, "x", fallen(tmp_path), {"auth": 3})
    assert not kill.good
    assert kill.left_behind[0].splitlines()[0] == told


def test_a_healer_that_does_not_end_makes_it_bad(
    world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> Any:
        raise Failed(Failure("the watchdog's word", "its end", "watching"))

    monkeypatch.setattr(sigkill_kill, "await_healers", wait)
    kill = examine(field(), 1, "x", fallen(tmp_path), {"auth": 3})
    assert kill.left_behind[0].startswith("the watchdog's word")


def test_processes_that_still_run_are_left_behind(
    world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sigkill_kill, "with_variable", lambda *_: [7])
    monkeypatch.setattr(sigkill_kill, "naming", lambda *_: [8])
    assert list(left_behind(field(), fallen(tmp_path), {"auth": 3})) == [
        "process 7 of the experiment or its watchdog still runs",
        "process 8 of the experiment or its watchdog still runs",
    ]


def test_a_dead_man_alone_must_have_put_all_back_but_himself() -> None:
    done = [Reverted("delete roles run-1", Outcome.DONE), Reverted("uncordon node a", Outcome.DONE)]
    assert beside_dead_men(done) == ["not put back by the dead man: uncordon node a: done"]


def test_each_experiment_is_measured_once_and_the_table_is_kept_after_each_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(sigkill_trial, "length_of", lambda _, name, __: measured.append(name) or 10.0)
    monkeypatch.setattr(sigkill_trial, "kill_once", lambda _, planned, *__: GOOD if planned.number == 1 else BAD)
    out = tmp_path / "sigkill.json"
    trial(field(), plan(("a", "b"), 3, 1), tmp_path, out)
    assert measured == ["a", "b"]
    assert [each["number"] for each in json.loads(out.read_text())] == [1, 2, 2]
    assert capsys.readouterr().out.splitlines()[0] == "| 1 | pod-kill | 7.3 s | watchdog | 12 s | nothing |"
