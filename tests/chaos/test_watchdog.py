"""The watchdog: dismissed by a word and by nothing else, it heals when its runner is gone, and tells what it did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.chaos import watchdog
from seatrial.chaos.heal import Healing
from seatrial.chaos.processes import Process, started, stop_all, this_process
from seatrial.chaos.undo_records import Outcome, Reverted
from seatrial.chaos.watch import Watchdog
from seatrial.chaos.watch_order import RESULT, Order, State, Watch, read_watch
from seatrial.chaos.watchdog import heal_after, is_dismissed
from seatrial.errors import EnvironmentFault, Failed, Failure, GuardRefusal
from seatrial.paths import ROOT
from seatrial.system_file import load_system
from seatrial.waiting import eventually

SYSTEM = load_system(ROOT / "system.yaml")
RUNNER = f"""
import sys, time
sys.path.insert(0, {str(ROOT / "src")!r})
from pathlib import Path
from seatrial.chaos.processes import this_process
from seatrial.chaos.watch import Watchdog
from seatrial.chaos.watch_order import Order
folder = Path(sys.argv[1])
order = Order(this_process(), str(folder / "kubeconfig"), "kubectl", None, (folder / "system.json").read_text(),
              str(folder / "undo.jsonl"), "run-1", 3.0)
watchdog = Watchdog.start(order, folder)
watchdog.await_watching()
print("standing", flush=True)
time.sleep(60)
"""


def order(folder: Path, runner: Process | None = None) -> Order:
    return Order(
        runner=runner or this_process(),
        kubeconfig=str(folder / "kubeconfig"),
        kubectl="kubectl",
        context=None,
        system=SYSTEM.model_dump_json(by_alias=True),
        undo=str(folder / "undo.jsonl"),
        dead_man="run-1",
        within_seconds=3.0,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run, with a kubeconfig that leads nowhere."""
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": contexts}
    document |= {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}]}
    document |= {"users": [{"name": "u", "user": {"token": "t"}}]}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    (tmp_path / "system.json").write_text(SYSTEM.model_dump_json(by_alias=True))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_an_order_is_the_same_when_it_is_read_and_so_is_the_system_in_it(folder: Path) -> None:
    order(folder).write(folder / "order.json")
    found = Order.read(folder / "order.json")
    assert found == order(folder)
    assert found.described_system() == SYSTEM
    assert found.cluster.kubeconfig == folder / "kubeconfig"


def test_what_a_watchdog_tells_is_the_same_when_it_is_read(tmp_path: Path) -> None:
    told = Watch(State.HEALED, 1, 2, 3.0, 4.0, (5,), ("x: done",), ("y: done",), "[]", "")
    assert read_watch(tmp_path / RESULT) is None
    told.write(tmp_path / RESULT)
    assert read_watch(tmp_path / RESULT) == told


def test_the_word_dismisses_it_also_in_two_pieces(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, b"hea")
    threading.Timer(0.1, lambda: os.write(write, b"led\n")).start()
    assert is_dismissed(this_process(), read)


def test_the_end_of_the_pipe_without_the_word_does_not(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, b"heal")
    os.close(write)
    assert not is_dismissed(this_process(), read)


def test_the_end_of_the_process_does_not_either_though_somebody_holds_the_pipe(pipe: tuple[int, int]) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runner = Process(child.pid, started(child.pid) or 0)
    threading.Timer(0.2, child.kill).start()
    began = time.monotonic()
    assert not is_dismissed(runner, pipe[0])
    assert time.monotonic() - began >= 0.1
    child.wait()


def test_a_runner_that_is_gone_already_may_have_said_the_word(pipe: tuple[int, int]) -> None:
    gone = Process(os.getpid(), 1)
    assert not is_dismissed(gone, pipe[0])
    os.write(pipe[1], b"healed\n")
    assert is_dismissed(gone, pipe[0])


class Work:
    """What the watchdog does, by its parts; each can be made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.reverted = [(Reverted("x", Outcome.DONE),)]
        self.steady: Exception | None = None
        self.healing: Exception | None = None
        monkeypatch.setattr(watchdog, "stop_all", lambda *_, **__: self.note("stop", [7]))
        monkeypatch.setattr(watchdog, "revert", lambda *_, **__: self.note("revert", self._reverted()))
        monkeypatch.setattr(watchdog, "heal", lambda *_, **__: self.note("heal", self._healing()))
        monkeypatch.setattr(watchdog, "prove_steady", lambda *_: self.note("prove", self._steady()))
        monkeypatch.setattr(watchdog, "told_by", lambda *_: '[{"what": "x", "outcome": "done"}]')
        monkeypatch.setattr(watchdog, "remove", lambda *_: self.note("remove", None))

    def note(self, what: str, value: Any) -> Any:
        self.done.append(what)
        return value

    def _reverted(self) -> tuple[Reverted, ...]:
        return self.reverted.pop(0) if len(self.reverted) > 1 else self.reverted[0]

    def _healing(self) -> Healing:
        if self.healing:
            raise self.healing
        return Healing((Reverted("y", Outcome.DONE),))

    def _steady(self) -> None:
        if self.steady:
            raise self.steady


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def result(folder: Path) -> Watch:
    return list(heal_after(order(folder), Watch(State.HEALING, 1, 2, gone_at=time.time())))[-1]


def test_it_stops_puts_back_heals_takes_the_dead_man_away_and_proves_in_this_order(folder: Path, work: Work) -> None:
    told = result(folder)
    assert work.done == ["stop", "revert", "heal", "remove", "prove"]
    assert (told.state, told.stopped, told.reverted, told.healed) == (State.HEALED, (7,), ("x: done",), ("y: done",))
    assert json.loads(told.dead_man)[0]["what"] == "x"
    assert told.ended_at >= told.gone_at


def test_what_could_not_be_put_back_is_tried_again_after_healing(folder: Path, work: Work) -> None:
    work.reverted = [(Reverted("x", Outcome.FAILED, "no answer"),), (Reverted("x", Outcome.DONE),)]
    assert result(folder).state is State.HEALED
    assert work.done == ["stop", "revert", "heal", "revert", "remove", "prove"]


def test_what_cannot_be_put_back_at_all_leaves_the_dead_man_to_it(folder: Path, work: Work) -> None:
    work.reverted = [(Reverted("x", Outcome.FAILED, "no answer"),)]
    told = result(folder)
    assert (told.state, told.missing) == (
        State.NOT_HEALED,
        "not everything could be put back: x: failed: no answer",
    )
    assert "remove" not in work.done


@pytest.mark.parametrize(
    "error",
    [Failed(Failure("auth is not whole", "3", "2")), EnvironmentFault("no answer"), GuardRefusal("not ours")],
)
def test_a_system_that_is_not_steady_is_not_called_healed(folder: Path, work: Work, error: Exception) -> None:
    work.steady = error
    told = result(folder)
    assert (told.state, told.missing) == (State.NOT_HEALED, str(error))
    assert told.reverted == ("x: done",)
    assert work.done == ["stop", "revert", "heal", "remove"]


def test_whatever_hangs_is_ended_a_little_after_the_bound(
    folder: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LAST_LOOK_SECONDS", 0.3)
    monkeypatch.setattr(watchdog, "heal", lambda *_, **__: time.sleep(30))
    began = time.monotonic()
    told = list(heal_after(Order(**{**_fields(order(folder)), "within_seconds": 0.2}), Watch(State.HEALING, 1, 2)))[-1]
    assert time.monotonic() - began < 10
    assert (told.state, told.missing) == (State.NOT_HEALED, "not done within 0.5 s")


def watching(folder: Path) -> Watchdog:
    found = Watchdog.start(order(folder), folder)
    found.await_watching()
    return found


def _fields(given: Order) -> dict[str, Any]:
    return {name: getattr(given, name) for name in given.__dataclass_fields__}


def test_a_real_one_watches_ignores_the_terminal_and_is_dismissed(folder: Path) -> None:
    watch = watching(folder)
    seen = read_watch(folder / RESULT)
    assert seen and (seen.state, seen.pid, seen.runner) == (State.WATCHING, watch.process.pid, os.getpid())
    assert os.getsid(watch.process.pid) == watch.process.pid
    for number in (signal.SIGINT, signal.SIGHUP):
        watch.process.send_signal(number)
    watch.dismiss()
    ended = read_watch(folder / RESULT)
    assert ended and ended.state is State.DISMISSED
    assert watch.process.returncode == 0


def test_a_real_one_stops_the_experiment_of_a_runner_that_was_killed_and_tells_why_it_could_not_heal(
    folder: Path,
) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder)], stdout=subprocess.PIPE)
    assert runner.stdout and runner.stdout.readline() == b"standing\n"
    mark = str(folder / "undo.jsonl")
    experiment = subprocess.Popen(["sleep", "60"], env={**os.environ, "SEATRIAL_UNDO": mark}, start_new_session=True)
    threading.Thread(target=experiment.wait, daemon=True).start()
    runner.kill()
    told = eventually(
        lambda: read_watch(folder / RESULT),
        until=lambda watch: watch is not None and watch.state is State.NOT_HEALED,
        within_seconds=30,
        what="the watchdog's last word",
    )
    assert told and told.stopped == (experiment.pid,)
    assert told.runner == runner.pid
    assert told.missing.startswith("/api/v1/nodes cannot be read: ConnectError")
    assert experiment.wait(5) == -signal.SIGINT
    runner.wait()


def test_left_to_its_work_it_tells_what_it_could_not_heal(folder: Path) -> None:
    watch = watching(folder)
    with pytest.raises(EnvironmentFault) as caught:
        watch.take_over()
    assert str(caught.value).startswith("the system is not healed: /api/v1/nodes cannot be read: ConnectError")
    assert str(caught.value).endswith(f"see {folder}/{RESULT}; run 'seatrial chaos heal'")


def test_one_that_does_not_start_is_told_with_its_last_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    watch = Watchdog.start(order(folder), folder)
    with pytest.raises(EnvironmentFault, match="the watchdog ended with 1:"):
        watch.await_watching()
    assert watch.process.returncode == 1
    watch.dismiss()


def test_one_that_ended_before_its_time_is_told(folder: Path) -> None:
    watch = watching(folder)
    watch.process.kill()
    watch.process.wait()
    with pytest.raises(EnvironmentFault) as caught:
        watch.dismiss()
    assert str(caught.value) == f"the watchdog ended before the experiment did; see {folder}/watchdog.log"


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    stop_all("SEATRIAL_UNDO", str(tmp_path / "undo.jsonl"), within_seconds=0)
