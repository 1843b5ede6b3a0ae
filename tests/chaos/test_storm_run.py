"""A storm to its history: under load from the first pause to the last, ended early by time, trouble, or a person."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from histories import WHOLE, Customers
from stakes import pod

from seatrial.chaos import series, storm_run
from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.history import History, judge_history
from seatrial.chaos.history_file import as_json, keep_load, summary, write_json
from seatrial.chaos.outcome import Outcome
from seatrial.chaos.storm import Draw
from seatrial.chaos.storm_run import Storm, run_storm
from seatrial.chaos.targets import Targets
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failed, Failure, GuardRefusal, Verdict
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
CLUSTER = Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), "kind-seatrial")
KILL = read_experiment(ROOT / "experiments" / "pod-kill.yaml")
CRASH = read_experiment(ROOT / "experiments" / "process-crash.yaml")


class Shop:
    """What a storm is made over, and what comes of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.customers = Customers()
        self.clock = 0.0
        self.refusal: Exception | None = None
        self.left: tuple[Failure, ...] = ()
        self.interrupted = False
        monkeypatch.setattr(series, "conduct", self._conduct)
        monkeypatch.setattr(series, "observe_pods", lambda *_: WHOLE)
        monkeypatch.setattr(series, "prove_steady", self._prove)
        monkeypatch.setattr(storm_run, "make_plan", self._plan)

    def _plan(self, experiment: Any, *_: Any) -> Any:
        if self.refusal:
            raise self.refusal
        targets = Targets((pod("auth-1"),), places=("auth 1/2",))
        return SimpleNamespace(experiment=experiment, targets=targets)

    def _conduct(self, plan: Any, folder: Path, phases: Any) -> Outcome:
        self.customers.events.append(plan.experiment.name)
        self.clock += 100
        folder.mkdir(parents=True)
        began = time.time()
        events = [{"at": began, "event": "start", "type": "action", "name": "kill-pods"}]
        events += [{"at": began + 0.01, "event": "end", "type": "action", "name": "kill-pods"}]
        (folder / "timeline.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in events))
        harmed = {"uid of auth-1": {"name": "auth-1", "workload": "auth", "restarts": 0}}
        (folder / "ledger.jsonl").write_text(f"{json.dumps({'pods': harmed, 'nodes': [], 'ready': {}})}\n")
        time.sleep(0.05)
        name, verdict = plan.experiment.name, Verdict.PASSED
        return Outcome(name, ("AC03",), 7, ("auth-1",), verdict, (), began, 0.05, self.interrupted, str(folder))

    def _prove(self, *_: Any) -> None:
        self.customers.events.append("look")
        if self.left:
            raise Failed(*self.left)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


@pytest.fixture
def blown(shop: Shop, tmp_path: Path) -> Callable[[], History]:
    """Runs a storm of 800 s, in which each experiment takes 100 and may take 540."""

    def chosen() -> Iterator[Draw]:
        yield from (Draw(number, each, 40 + number) for number, each in enumerate([KILL, CRASH, KILL, CRASH, KILL], 1))

    storm = Storm(CLUSTER, SYSTEM, Path("system.yaml"), 800, 10, tmp_path / "storm")
    return lambda: run_storm(storm, chosen(), shop.customers, Phases(), lambda: shop.clock)  # type: ignore[arg-type]


def test_it_goes_on_until_an_experiment_might_not_be_over_in_time(shop: Shop, blown: Callable[[], History]) -> None:
    seen = blown()
    pauses = ["wait 10", "pod-kill", "wait 10", "process-crash", "wait 10", "pod-kill", "wait 10"]
    assert shop.customers.events == ["begin", *pauses, "stop", "gone", "look"]
    assert [each.name for each in seen.runs] == ["1 pod-kill", "2 process-crash", "3 pod-kill"]
    assert [each.errors_during for each in seen.runs] == [False, True, False]
    assert [each.meanwhile for each in seen.looks] == [0, 1, 0, 2, 0, 3, 0]
    assert seen.runs[0].places == ("auth 1/2",)
    assert [each.activity for each in seen.runs[0].activities] == ["kill-pods"]
    assert set(seen.runs[0].harmed.pods) == {"uid of auth-1"}
    assert judge_history(seen, "storm").reasons == ()


def test_its_records_are_json_words_and_the_page_of_its_load(blown: Callable[[], History], tmp_path: Path) -> None:
    seen = blown()
    judged = judge_history(seen, "storm")
    write_json(tmp_path / "storm.json", as_json(seen, judged, {"seed": 7}))
    facts = json.loads((tmp_path / "storm.json").read_text())
    assert (facts["verdict"], facts["settings"], facts["left"]) == ("passed", {"seed": 7}, [])
    first = facts["experiments"][0]
    assert (first["experiment"], first["places"], first["harmed"]) == ("pod-kill", ["auth 1/2"], ["auth-1"])
    assert facts["load"]["phases"][0]["name"] == "before"
    told = summary(seen, judged, "storm of seed 7", tmp_path).splitlines()
    assert told[0].startswith("PASSED storm of seed 7 (")
    assert told[1] == "    1 pod-kill: passed (0 s, seed 7, auth 1/2)"
    assert told[4:] == ["    520 requests of customers, 0 failed", f"    records: {tmp_path}"]
    keep_load(seen, tmp_path, {"system": "shop", "seed": 7}, {"seatrial": "1"})
    assert "1 pod-kill: kill-pods" in (tmp_path / "load" / "load.html").read_text()


def test_a_refusal_ends_it_and_is_told(shop: Shop, blown: Callable[[], History]) -> None:
    shop.refusal = GuardRefusal("namespace shop does not bear the label")
    seen = blown()
    assert (seen.runs, seen.troubles) == ((), ("namespace shop does not bear the label",))
    assert shop.customers.events[-2:] == ["gone", "look"]
    assert judge_history(seen, "storm").verdict is Verdict.INCONCLUSIVE


def test_a_load_that_dies_ends_it_before_any_further_experiment(shop: Shop, blown: Callable[[], History]) -> None:
    shop.customers.error = EnvironmentFault("the load ended by itself with 1")
    assert blown().troubles == ("the load ended by itself with 1",)
    assert shop.customers.events == ["begin", "wait 10", "gone", "look"]


def test_an_interrupted_experiment_is_the_last_one(shop: Shop, blown: Callable[[], History]) -> None:
    shop.interrupted = True
    seen = blown()
    assert (len(seen.runs), seen.interrupted) == (1, True)
    assert shop.customers.events[-3:] == ["stop", "gone", "look"]


def test_ctrl_c_in_a_pause_ends_it_with_a_last_look(
    shop: Shop, blown: Callable[[], History], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(shop.customers, "wait", lambda _: os.kill(os.getpid(), signal.SIGINT))
    seen = blown()
    assert (seen.runs, seen.interrupted) == ((), True)
    assert shop.customers.events == ["begin", "gone", "look"]
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_left_behind_is_told(shop: Shop, blown: Callable[[], History]) -> None:
    shop.left = (Failure("a fault is left behind", "nothing left to undo", "still to do: uncordon worker"),)
    seen = blown()
    assert seen.left == shop.left
    assert judge_history(replace(seen, troubles=()), "storm").verdict is Verdict.FAILED
