"""Each fault and what proves that it happened: without proof there is nothing to judge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError

from seatrial.chaos import faults
from seatrial.chaos.faults import (
    by_experiment,
    hangs,
    hit_at,
    not_ready,
    seen_effects,
    was_restarted,
)
from seatrial.chaos.journal import Activity, Journal
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, GuardRefusal, Inconclusive, UsageError
from seatrial.observe.records import Changes, PodChange, PodView
from seatrial.paths import ROOT
from seatrial.system import System
from seatrial.system_file import load_system, parse_system

CLUSTER = Cluster(Path("kubeconfig"), Path("kubectl"))


def pod(name: str = "auth-1", restarts: int = 1) -> PodView:
    return PodView(
        namespace="shop",
        name=name,
        uid=f"uid of {name}",
        ip="10.0.0.1",
        node="worker",
        phase="Running",
        ready=True,
        terminating=False,
        restarts=restarts,
        container="auth",
        container_id="abc",
        created=0.0,
        ready_since=0.0,
    )


VICTIM = pod()
WELL = {
    "readiness": "ok",
    "error_rate": 0.0,
    "error_status": 500,
    "latency_seconds": 0.0,
    "memory_mib_per_second": 0.0,
    "cpu_burn": 0.0,
}
"""What system.yaml says a replica is told that is to be as it was."""


def change(uid: str = VICTIM.uid, *, ready: bool = True, restarts: int = 1, gone: bool = False) -> PodChange:
    return PodChange(100.0, "auth-1", uid, ready, restarts, gone)


def changes(*pods: PodChange) -> Changes:
    return Changes(pods, ())


@pytest.fixture
def system() -> System:
    return load_system(ROOT / "system.yaml")


@pytest.mark.parametrize(
    ("seen", "restarted"),
    [
        ((), ""),
        ((change(restarts=1),), ""),
        ((change(restarts=1), change(restarts=2)), "its container was restarted (restart 2)"),
        ((change(restarts=3), change(restarts=2)), "its container was restarted (restart 3)"),
        ((change("another", restarts=9),), ""),
    ],
)
def test_only_more_restarts_than_before_prove_a_restart(seen: tuple[PodChange, ...], restarted: str) -> None:
    assert was_restarted(VICTIM, changes(*seen)) == restarted


@pytest.mark.parametrize(
    ("seen", "proof"),
    [
        ((change(),), ""),
        ((change(ready=False),), "its readiness was lost"),
        ((change(ready=False), change(restarts=2)), "its container was restarted (restart 2)"),
        ((change("another", ready=False),), ""),
    ],
)
def test_a_hang_shows_itself_by_lost_readiness_or_by_a_restart(
    system: System, seen: tuple[PodChange, ...], proof: str
) -> None:
    assert hangs(CLUSTER, system).proof(VICTIM, changes(*seen)) == proof


Switched = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> Switched:
    """What the replicas' switches were asked; that of ``auth-gone`` does not answer."""
    asked: Switched = []

    def set_fault(cluster: Cluster, namespace: str, name: str, switches: object, body: Mapping[str, Any]) -> None:
        if name == "auth-gone":
            raise EnvironmentFault("no answer")
        asked.append((name, body))

    monkeypatch.setattr(faults, "set_fault", set_fault)
    return asked


def test_readiness_is_switched_off_and_on_and_the_switch_is_the_proof(system: System, switched: Switched) -> None:
    fault = not_ready(CLUSTER, system, 7.5)
    injected = fault.inject({"auth": VICTIM})
    fault.undo({"auth": VICTIM})
    assert (fault.kind, fault.hold_seconds, injected["auth"].proof) == ("is not ready", 7.5, "its switch accepted")
    assert switched == [("auth-1", {"readiness": "fail"}), ("auth-1", WELL)]


def test_a_switch_that_does_not_answer_matters_for_the_fault_but_not_for_its_undoing(
    system: System, switched: Switched
) -> None:
    fault, victims = not_ready(CLUSTER, system, 1.0), {"auth": pod("auth-gone"), "users": pod("users-1")}
    fault.undo(victims)
    assert switched == [("users-1", WELL)]
    with pytest.raises(EnvironmentFault, match="no answer"):
        fault.inject(victims)


def test_a_hang_needs_a_proof_beside_its_switch(system: System, switched: Switched) -> None:
    assert hangs(CLUSTER, system).inject({"auth": VICTIM})["auth"].proof == ""
    assert switched == [("auth-1", {"hang": True})]


def test_a_system_without_switches_is_told_what_to_declare() -> None:
    bare = parse_system("name: shop\nnamespace: shop\nservices: [{name: auth}]\n", "system.yaml")
    with pytest.raises(UsageError) as caught:
        hangs(CLUSTER, bare)
    assert str(caught.value) == "this fault needs fault switches; declare 'faults' in system.yaml"


def activity(name: str, output: Any, kind: str = "action") -> Activity:
    return Activity(name, kind, "succeeded", output, "", 11.0, output is True if kind == "probe" else None)


def journal(*activities: Activity) -> Journal:
    return Journal("A crash", "completed", False, True, (), True, activities, ())


GUARD = activity("guard-cluster", True)
CRASH = activity("crash-replicas", [{"uid": "uid of auth-1", "at": 12.0}, {"uid": "uid of users-1", "at": 13.0}])
SEEN = activity("effect-containers-ended", True, "probe")


def test_an_experiment_tells_when_it_hit_each_victim_and_its_probes_are_the_proof() -> None:
    runs = iter([journal(GUARD, CRASH, SEEN)])
    fault = by_experiment("process-crash", lambda: next(runs), window_seconds=20.0)
    injected = fault.inject({"users": pod("users-1"), "auth": VICTIM})
    assert {service: each.at for service, each in injected.items()} == {"auth": 12.0, "users": 13.0}
    assert {each.proof for each in injected.values()} == {"effect-containers-ended"}
    assert (fault.kind, fault.window_seconds, fault.is_experiment) == ("undergoes process-crash", 20.0, True)
    assert list(runs) == []


LOST = [{"node": "worker", "at": 9.0}, {"pod": "other-1", "uid": "other", "node": "worker", "at": 10.0}]


def test_who_stood_on_a_node_was_hit_with_it() -> None:
    assert hit_at(journal(GUARD, activity("pause-node", LOST)), VICTIM) == 9.0


def test_a_hit_of_the_replica_itself_comes_before_one_of_its_node() -> None:
    assert hit_at(journal(activity("cordon-node", LOST), CRASH), VICTIM) == 12.0


@pytest.mark.parametrize(
    "output",
    [
        True,
        None,
        [],
        ["auth-1"],
        [{"uid": "another", "at": 1.0}],
        [{"uid": "uid of auth-1"}],
        [{"node": "x", "at": 1.0}],
    ],
)
def test_a_victim_that_no_action_names_leaves_doubt(output: Any) -> None:
    with pytest.raises(Inconclusive) as caught:
        hit_at(journal(GUARD, activity("crash-replicas", output)), VICTIM)
    assert str(caught.value) == (
        "auth-1\n  missing   an action of 'A crash' that says when it hit this replica\n"
        "  remedy    see what its actions returned, in the journal"
    )


@pytest.mark.parametrize(
    ("probes", "seen"),
    [
        ([SEEN], "effect-containers-ended"),
        ([SEEN, activity("effect-node-lost", True, "probe")], "effect-containers-ended, effect-node-lost"),
        ([SEEN, activity("effect-node-lost", False, "probe")], ""),
        ([activity("effect-node-lost", None, "probe")], ""),
        ([Activity("effect-cores-used", "probe", "succeeded", 0.7, "", 11.0, tolerance_met=True)], "effect-cores-used"),
        ([Activity("effect-cores-used", "probe", "succeeded", 0.7, "", 11.0)], ""),
        ([activity("await-restart", True, "probe")], ""),
        ([activity("effect-of-an-action", True)], ""),
        ([], ""),
    ],
    ids=["one", "both", "one not", "failed", "a number", "compared with nothing", "no effect", "no probe", "none"],
)
def test_only_what_every_probe_of_the_effect_saw_is_proof(probes: list[Activity], seen: str) -> None:
    assert seen_effects(journal(GUARD, CRASH, *probes)) == seen


@pytest.mark.parametrize("grace_seconds", [0, None])
def test_a_pod_is_deleted_exactly_by_its_uid(monkeypatch: pytest.MonkeyPatch, grace_seconds: int | None) -> None:
    asked: list[Any] = []
    core = SimpleNamespace(delete_namespaced_pod=lambda name, namespace, body: asked.append((name, namespace, body)))
    cluster: Any = SimpleNamespace(core=core)
    cluster.another = lambda: cluster
    monkeypatch.setattr(faults, "require_owned", lambda _: asked.append("owned"))
    began = time.time()
    at = faults.delete_exactly(cluster, VICTIM, grace_seconds)
    owned, (name, namespace, body) = asked
    assert (owned, name, namespace) == ("owned", "auth-1", "shop")
    assert (body.preconditions.uid, body.grace_period_seconds) == (VICTIM.uid, grace_seconds)
    assert began <= at <= time.time()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ApiException(status=404, reason="Not Found"), "404 Not Found"),
        (ApiException(status=409, reason="Conflict"), "409 Conflict"),
        (MaxRetryError(None, "/api", reason="connection refused"), "connection refused"),  # type: ignore[arg-type]
    ],
)
def test_a_pod_that_cannot_be_deleted_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    def refuse(name: str, namespace: str, body: object) -> None:
        raise error

    cluster: Any = SimpleNamespace(core=SimpleNamespace(delete_namespaced_pod=refuse))
    cluster.another = lambda: cluster
    monkeypatch.setattr(faults, "require_owned", lambda _: None)
    with pytest.raises(EnvironmentFault) as caught:
        faults.delete_by_force(cluster, VICTIM)
    assert str(caught.value) == f"Pod shop/auth-1 cannot be deleted: {why}"


def test_nothing_is_deleted_on_a_cluster_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(faults, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        faults.delete_by_force(CLUSTER, VICTIM)
