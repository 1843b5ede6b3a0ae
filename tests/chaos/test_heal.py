"""Healing has two halves, each of which is told what it did; neither touches a cluster that is not ours."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.chaos import heal, undo_api
from seatrial.chaos.actions import guard
from seatrial.chaos.heal import Healing, heal_nodes, heal_objects
from seatrial.chaos.remains import Remains
from seatrial.chaos.remedies import uncordon
from seatrial.chaos.undo_records import NodeUndo, Outcome, Reverted
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_state import Container, Inside
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM = load_system(ROOT / "system.yaml")
FAILED = Reverted("start node b", Outcome.FAILED, "no such container")


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Two nodes, of which the first is paused, and has stopped processes; returns what is done."""
    done: list[tuple[str, str]] = []

    def act(undo: NodeUndo) -> Reverted:
        done.append((undo.node, undo.verb))
        return Reverted(undo.note, Outcome.DONE)

    def inside(node: str) -> Inside:
        if node == "a":
            assert ("a", "unpause") in done  # nobody can look into a node that is paused
        return Inside(node, "active", ((7, "uvicorn"),) if node == "a" else (), (), ())

    monkeypatch.setattr(heal, "kind_cluster_of", lambda _: KindCluster("mine"))
    monkeypatch.setattr(KindCluster, "nodes", lambda _: ("a", "b"))
    monkeypatch.setattr(
        heal,
        "observe_container",
        lambda name: Container(name, "paused" if name == "a" else "running", (("kind", "x"),)),
    )
    monkeypatch.setattr(heal, "observe_inside", inside)
    monkeypatch.setattr(heal, "act", act)
    return done


def found(monkeypatch: pytest.MonkeyPatch, remains: Remains) -> None:
    monkeypatch.setattr(heal, "find_in_api", lambda *_: remains)
    for module in (heal, undo_api):
        monkeypatch.setattr(module, "require_owned", lambda _: None)


def test_nodes_are_brought_to_run_before_they_are_looked_into(nodes: list[tuple[str, str]]) -> None:
    told = heal_nodes(None)  # type: ignore[arg-type]
    assert nodes == [("a", "unpause"), ("a", "continue")]
    assert [str(each) for each in told] == ["let node a go on: done", "continue uvicorn on node a: done"]


def test_a_node_that_cannot_be_looked_into_is_told_and_hinders_no_other(
    nodes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(node: str) -> Inside:
        if node == "b":
            raise EnvironmentFault("docker exec b:\n no answer")
        return Inside(node, "inactive", (), (), ())

    monkeypatch.setattr(heal, "observe_inside", refuse)
    told = heal_nodes(None)  # type: ignore[arg-type]
    assert str(told[-1]) == "look at node b: failed: docker exec b: no answer"
    assert ("a", "start-kubelet") in nodes


def test_an_engine_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: KindCluster) -> tuple[str, ...]:
        raise EnvironmentFault("docker is not installed")

    monkeypatch.setattr(heal, "kind_cluster_of", lambda _: KindCluster("mine"))
    monkeypatch.setattr(KindCluster, "nodes", refuse)
    assert [str(each) for each in heal_nodes(None)] == [  # type: ignore[arg-type]
        "look at the nodes of this kind cluster: failed: docker is not installed"
    ]


def test_nodes_of_another_cluster_are_not_entered(
    nodes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heal, "kind_cluster_of", lambda _: None)
    assert heal_nodes(None) == ()  # type: ignore[arg-type]
    assert nodes == []


def test_what_the_api_server_knows_is_put_back_and_told(
    api: Any, nodes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, Remains((uncordon("b"),), ("/api/v1/pods",)))
    healing = heal.heal(api.cluster, SYSTEM)
    assert [str(each) for each in healing.done[2:]] == ["uncordon node b: done"]
    assert (healing.unseen, healing.failed) == (("/api/v1/pods",), ())
    assert [path for _, path, _, _ in api.changes] == ["/api/v1/nodes/b"]


def test_an_api_server_that_starts_again_is_waited_for(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [EnvironmentFault("no answer"), Remains((), ())]

    def look(*_: object) -> Remains:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    found(monkeypatch, Remains((), ()))
    monkeypatch.setattr(heal, "find_in_api", look)
    assert heal_objects(api.cluster, SYSTEM, within_seconds=5) == Healing()
    monkeypatch.setattr(heal, "find_in_api", lambda *_: answers.append(1) or look(EnvironmentFault("no answer")))
    answers[:] = [EnvironmentFault("no answer")] * 9
    with pytest.raises(EnvironmentFault, match="no answer"):
        heal_objects(api.cluster, SYSTEM, within_seconds=0.05)


def test_a_cluster_that_is_not_ours_is_refused_before_anything_is_changed(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("not ours")

    found(monkeypatch, Remains((uncordon("b"),), ()))
    monkeypatch.setattr(heal, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        heal_objects(api.cluster, SYSTEM)
    assert api.changes == []


def test_a_rollback_fails_when_something_could_not_be_healed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "cluster_here", lambda: None)
    monkeypatch.setattr(guard, "system_here", lambda: None)
    monkeypatch.setattr(guard, "heal", lambda *_: Healing((Reverted("x", Outcome.DONE),), ("/api/v1/nodes",)))
    assert guard.heal_system() is True
    monkeypatch.setattr(guard, "heal", lambda *_: Healing((Reverted("x", Outcome.DONE), FAILED)))
    with pytest.raises(guard.ActivityFailed) as caught:
        guard.heal_system()
    assert str(caught.value) == "start node b: failed: no such container"
