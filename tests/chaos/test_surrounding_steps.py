"""What the steps about surroundings hand to experiments, and what they read out of their journals."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from chaoslib.loader import load_experiment

from seatrial.chaos.journal import Activity, Journal
from seatrial.paths import ROOT
from seatrial.system_file import load_system, parse_system
from steps import surroundings as steps
from steps.chaos import fit_experiment

CLUSTER: Any = None
SYSTEM = load_system(ROOT / "system.yaml")


def activity(
    name: str,
    output: Any,
    *,
    kind: str = "probe",
    status: str = "succeeded",
    start: float = 0.0,
    met: bool | None = None,
) -> Activity:
    return Activity(name, kind, status, output, "", start, met)


def journal(*activities: Activity) -> Journal:
    return Journal("x", "completed", False, True, (), True, activities, ())


@pytest.mark.parametrize(
    ("output", "status", "met", "seen"),
    [
        (True, "succeeded", True, True),
        (0.7, "succeeded", True, True),
        (False, "succeeded", False, False),
        (True, "succeeded", None, False),
        (None, "failed", None, False),
    ],
)
def test_an_effect_is_seen_only_by_a_probe_that_says_so(output: Any, status: str, met: bool | None, seen: bool):
    probe = activity("effect-x", output, status=status, met=met)
    found = journal(activity("guard-cluster", True, kind="action"), probe)
    assert steps.effects(found) == {"effect-x": seen}


def test_a_disturbance_begins_with_the_first_action_after_the_guard():
    guard = activity("guard-cluster", True, kind="action", start=1.0)
    acts = [activity(name, [{}], kind="action", start=at) for name, at in (("lose-packets", 5.0), ("more", 9.0))]
    assert steps.began(journal(guard, *acts)) == 5.0


@pytest.mark.parametrize("name", steps.EDGES)
def test_an_experiment_on_a_call_is_told_a_declared_one(name: str):
    chosen = steps.choose(name, CLUSTER, SYSTEM, random.Random(1))
    caller, callee = chosen.variables["SEATRIAL_CALLER"], chosen.variables["SEATRIAL_SERVICE"]
    assert (caller, callee) in SYSTEM.calls
    assert chosen.subject == f"{caller} → {callee}"


@pytest.mark.parametrize("name", steps.SERVICES)
def test_an_experiment_on_a_service_is_told_a_declared_one_by_the_seed(name: str):
    first, again = (steps.choose(name, CLUSTER, SYSTEM, random.Random(7)) for _ in range(2))
    assert first == again
    assert first.variables == {"SEATRIAL_SERVICE": first.subject}
    assert first.subject in {each.name for each in SYSTEM.services}


def test_a_node_is_chosen_among_the_workers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "observe_workers", lambda _: ("worker", "worker2"))
    chosen = steps.choose("kube-proxy-stopped", CLUSTER, SYSTEM, random.Random(1))
    assert chosen.variables == {"SEATRIAL_NODE": chosen.subject}
    assert chosen.subject in {"worker", "worker2"}


def test_where_nobody_calls_anybody_the_scenario_is_skipped():
    alone = parse_system("name: shop\nnamespace: shop\nservices: [{name: items}]\n", "system.yaml")
    with pytest.raises(pytest.skip.Exception, match="shop declares no calls between services"):
        steps.choose("packet-loss", CLUSTER, alone, random.Random(1))


@pytest.mark.parametrize(
    ("name", "what"),
    [("packet-loss", "packet-loss enters nodes from their engine"), ("process-stop", "process-stop enters nodes")],
)
def test_what_enters_nodes_is_skipped_on_a_cluster_that_is_not_the_projects_own(name: str, what: str):
    with pytest.raises(pytest.skip.Exception, match=what):
        fit_experiment(name, SYSTEM, SimpleNamespace(cluster="current"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["edge-latency", "edge-latency-mesh"])
def test_a_call_is_delayed_by_what_others_are_judged_by(name: str):
    experiment = load_experiment(str(ROOT / "experiments" / f"{name}.yaml"))
    arguments = [each["provider"].get("arguments", {}) for each in experiment["method"]]
    assert {each["seconds"] for each in arguments if "seconds" in each} == {steps.DELAY_SECONDS}
    assert {each["at_least_seconds"] for each in arguments if "at_least_seconds" in each} == {steps.DELAY_SECONDS}


def test_the_steady_state_is_lost_only_with_name_servers_and_with_replicas_that_are_taken_away():
    names = {"dns-one-killed", "dns-all-killed", "dns-cold"}
    known = {*names, *steps.EDGES, *steps.SERVICES, "kube-proxy-stopped", "istiod-down", "gateway-kill"}
    files = {name: load_experiment(str(ROOT / "experiments" / f"{name}.yaml")) for name in known}
    lost = {name for name in known if files[name]["extensions"][0]["deviation_during"]}
    assert lost == {*names, "scale-to-minimum"}


@pytest.mark.parametrize("name", [*steps.EDGES, *steps.SERVICES, "kube-proxy-stopped"])
def test_an_experiment_asks_for_what_the_steps_tell_it(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "observe_workers", lambda _: ("worker",))
    experiment = load_experiment(str(ROOT / "experiments" / f"{name}.yaml"))
    asked = {each["key"] for each in experiment["configuration"].values()}
    assert asked == {*steps.choose(name, CLUSTER, SYSTEM, random.Random(1)).variables}
