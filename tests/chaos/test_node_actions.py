"""Actions on nodes: only workers, only with leave, with the way back noted before, and nobody else's cordon."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits, undo
from seatrial.chaos.actions import finding, nodes
from seatrial.cluster import drain, node_faults
from seatrial.cluster.drain import Fate, NodeView
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.records import PodView
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM = load_system(ROOT / "system.yaml")
CLUSTER: Any = SimpleNamespace()
CLUSTER.another = lambda: CLUSTER
NODES = {
    "worker": NodeView("worker", True, False, False, False),
    "cordoned": NodeView("cordoned", True, True, False, False),
    "lost": NodeView("lost", False, False, False, False),
    "master": NodeView("master", True, False, False, True),
}


def pod(name: str, node: str = "worker", *, ready: bool = True) -> PodView:
    return PodView("shop", name, f"uid of {name}", "", node, "Running", ready, False, 0, "app", "abc", 0.0, 0.0)


REPLICAS = {
    "auth": (pod("auth-1", "other"), pod("auth-2"), pod("auth-3")),
    "users": (pod("users-1"), pod("users-2", "other")),
    "leads": (pod("leads-1", "other"),),
}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked and done, in order; nothing leaves the process."""
    done: list[Any] = []

    def observe(cluster: Any, namespace: str, workload: str) -> tuple[PodView, ...]:
        return REPLICAS.get(workload, ())

    def permit(cluster: Any, system: Any, harm: limits.Harm) -> None:
        done.append(("permit", *(pod.name for pod in harm.pods), *harm.nodes))

    def delete(cluster: Any, victim: PodView) -> float:
        done.append(("delete", victim.name))
        return 7.0

    def acting(word: str) -> Any:
        return lambda *what: done.append((word, *(each for each in what if each is not CLUSTER)))

    monkeypatch.setattr(nodes, "cluster_here", lambda: CLUSTER)
    monkeypatch.setattr(nodes, "system_here", lambda: SYSTEM)
    monkeypatch.setattr(nodes, "observe_pods", observe)
    monkeypatch.setattr(finding, "observe_pods", observe)
    monkeypatch.setattr(finding, "observe_node", lambda cluster, name: NODES[name])
    monkeypatch.setattr(nodes, "delete_exactly", delete)
    monkeypatch.setattr(limits, "permit", permit)
    monkeypatch.setattr(undo, "record", lambda undo: done.append(undo))
    for word in ("cordon", "uncordon"):
        monkeypatch.setattr(drain, word, acting(word))
    for word in ("pause", "unpause", "restart", "start", "cut_off", "reconnect", "stop_kubelet", "start_kubelet"):
        monkeypatch.setattr(node_faults, word, acting(word))
    return done


LOSSES = [
    (nodes.pause_node, ("unpause", ""), "pause"),
    (nodes.restart_node, ("start", ""), "restart"),
    (nodes.disconnect_node, ("uncover", "seatrial:disconnect"), "cut_off"),
    (nodes.stop_kubelet, ("start-kubelet", ""), "stop_kubelet"),
]


@pytest.mark.parametrize(("act", "back", "word"), LOSSES, ids=[each[2] for each in LOSSES])
def test_a_node_is_lost_with_leave_for_all_on_it_and_a_way_back(
    act: Any, back: tuple[str, str], word: str, told: list[Any]
) -> None:
    node, *pods = act("worker")
    permitted, noted, done = told
    assert permitted == ("permit", "auth-2", "auth-3", "users-1", "worker")
    assert (noted.node, noted.verb, noted.argument) == ("worker", *back)
    assert done == (word, "worker")
    assert node["node"] == "worker"
    assert [each["pod"] for each in pods] == ["auth-2", "auth-3", "users-1"]
    assert {each["at"] for each in pods} == {node["at"]}


EVERY = [each[0] for each in LOSSES] + [nodes.cordon_node, nodes.delete_one_of_each]


@pytest.mark.parametrize("act", EVERY, ids=lambda act: act.__name__)
@pytest.mark.parametrize(
    ("node", "why"),
    [
        ("", "no node is named: set SEATRIAL_NODE"),
        ("master", "node master is of the control plane, which the trial itself needs: name a worker"),
    ],
)
def test_only_a_named_worker_is_harmed(act: Any, node: str, why: str, told: list[Any]) -> None:
    with pytest.raises(ActivityFailed) as caught:
        act(node)
    assert str(caught.value) == why
    assert told == []


@pytest.mark.parametrize("act", [each[0] for each in LOSSES], ids=lambda act: act.__name__)
def test_a_node_that_is_lost_already_proves_nothing(act: Any, told: list[Any]) -> None:
    with pytest.raises(ActivityFailed) as caught:
        act("lost")
    assert str(caught.value) == "node lost is not ready, so that nothing would show what became of it"
    assert told == []


@pytest.mark.parametrize("act", EVERY, ids=lambda act: act.__name__)
def test_nothing_is_done_without_leave(act: Any, told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise GuardRefusal("too many")

    monkeypatch.setattr(limits, "permit", refuse)
    with pytest.raises(GuardRefusal):
        act("worker")
    assert told == []


def test_a_cordon_is_taken_back_by_a_request(told: list[Any]) -> None:
    assert [target["node"] for target in nodes.cordon_node("worker")] == ["worker"]
    permitted, noted, done = told
    assert (permitted, done) == (("permit", "worker"), ("cordon", "worker"))
    assert (noted.method, noted.path) == ("PATCH", "/api/v1/nodes/worker")
    assert (noted.body, noted.content_type) == (drain.UNCORDON, "application/merge-patch+json")


@pytest.mark.parametrize("act", [nodes.cordon_node, lambda node: nodes.drain_node(node, 1)], ids=["cordon", "drain"])
def test_somebody_elses_cordon_is_left_alone(act: Any, told: list[Any]) -> None:
    with pytest.raises(ActivityFailed) as caught:
        act("cordoned")
    assert str(caught.value) == "node cordoned is cordoned already: uncordon it first, or name another"
    assert told == []


def test_a_drain_asks_leave_for_the_node_and_before_each_eviction(
    told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [pod("auth-2"), pod("gateway-1")]

    def evict(cluster: Any, victim: PodView) -> Fate:
        told.append(("evict", victim.name))
        there.remove(victim)
        return Fate.EVICTED

    monkeypatch.setattr(drain, "observe_evictable", lambda *_: tuple(there))
    monkeypatch.setattr(drain, "evict", evict)
    hits = nodes.drain_node("worker", 10)
    assert [each for each in told if isinstance(each, tuple)] == [
        ("permit", "worker"),
        ("cordon", "worker"),
        ("permit", "auth-2"),
        ("evict", "auth-2"),
        ("permit", "gateway-1"),
        ("evict", "gateway-1"),
    ]
    assert [(each["pod"], each["refusals"]) for each in hits] == [("auth-2", 0), ("gateway-1", 0)]


def test_an_empty_node_cannot_be_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "observe_evictable", lambda *_: ())
    with pytest.raises(ActivityFailed) as caught:
        nodes.drain_node("worker", 10)
    assert str(caught.value) == "no pod of lead-platform runs on node worker that a drain would move"


def test_one_replica_of_each_service_on_the_node_is_deleted(told: list[Any]) -> None:
    hits = nodes.delete_one_of_each("worker")
    assert told[0] == ("permit", "auth-2", "users-1")
    assert sorted(told[1:]) == [("delete", "auth-2"), ("delete", "users-1")]
    assert [(each["pod"], each["at"]) for each in hits] == [("auth-2", 7.0), ("users-1", 7.0)]


def test_a_node_without_replicas_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "observe_pods", lambda *_: (pod("auth-1", "other"),))
    with pytest.raises(ActivityFailed, match=r"^no ready replica of lead marketplace stands on node worker$"):
        nodes.delete_one_of_each("worker")


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (nodes.uncordon_node, "uncordon"),
        (nodes.unpause_node, "unpause"),
        (nodes.start_node, "start"),
        (nodes.connect_node, "reconnect"),
        (nodes.start_kubelet, "start_kubelet"),
    ],
)
def test_what_takes_back_needs_no_leave(act: Any, word: str, told: list[Any]) -> None:
    assert act("worker") is True
    assert told == [(word, "worker")]


def test_a_node_that_cannot_be_read_is_not_harmed(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise EnvironmentFault("Node worker cannot be read: 404 Not Found")

    monkeypatch.setattr(finding, "observe_node", read)
    with pytest.raises(EnvironmentFault):
        nodes.pause_node("worker")
    assert told == []
