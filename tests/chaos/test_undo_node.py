"""Each act on a node looks first, changes only what has to be changed, and tells which."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seatrial.chaos import undo_node
from seatrial.chaos.undo_node import act
from seatrial.chaos.undo_records import NodeUndo, Outcome
from seatrial.cluster.connections import FORGET
from seatrial.cluster.node_state import Container, Inside
from seatrial.errors import EnvironmentFault, GuardRefusal

Ran = list[tuple[str, ...]]
CONTAINER_ID = "0123456789abcdef"


class Node:
    """A node as it is said to be; keeps what was done to it."""

    def __init__(self) -> None:
        self.containers = [Container("worker", "running", (("kind", "172.18.0.3"),))]
        self.inside = Inside("worker", "active", (), (), ())
        self.states: tuple[str, ...] = ("S",)
        self.born_at = "172.18.0.3"
        self.ran: Ran = []
        self.rules = 0

    def container(self, node: str) -> Container:
        return self.containers.pop(0) if len(self.containers) > 1 else self.containers[0]

    def run(self, *argv: str) -> str:
        self.ran.append(argv)
        return f"{self.born_at}\n" if argv[1:2] == ("cat",) else ""


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    there = Node()
    monkeypatch.setattr(undo_node, "observe_container", there.container)
    monkeypatch.setattr(undo_node, "observe_inside", lambda _: there.inside)
    monkeypatch.setattr(undo_node, "process_states", lambda *_: there.states)
    monkeypatch.setattr(undo_node, "signal_container", lambda *argv: there.ran.append(argv))
    monkeypatch.setattr(undo_node, "remove_rules", lambda _, comment: there.rules)
    monkeypatch.setattr(undo_node, "docker", there.run)
    monkeypatch.setattr(undo_node, "node_exec", there.run)
    return there


def outcome(verb: str, argument: str = "") -> Outcome:
    told = act(NodeUndo("worker", verb, argument, "note"))
    assert (told.what, told.reason) == ("note", "")
    return told.outcome


def without_looks(ran: Ran) -> Sequence[tuple[str, ...]]:
    return [argv for argv in ran if argv[1:2] != ("cat",)]


@pytest.mark.parametrize(
    ("verb", "argument"),
    [
        ("unpause", ""),
        ("start", ""),
        ("connect", "kind"),
        ("continue", ""),
        ("continue", CONTAINER_ID),
        ("uncover", ""),
        ("end-stress", ""),
        ("start-kubelet", ""),
        ("start-kube-proxy", ""),
        ("forget", ""),
    ],
)
def test_nothing_is_done_to_a_node_that_is_well(node: Node, verb: str, argument: str) -> None:
    assert outcome(verb, argument) is Outcome.ALREADY
    assert without_looks(node.ran) == []


@pytest.mark.parametrize(("verb", "status"), [("unpause", "paused"), ("start", "exited"), ("start", "created")])
def test_a_container_is_brought_back_to_life(node: Node, verb: str, status: str) -> None:
    node.containers = [Container("worker", status, ())]
    assert outcome(verb) is Outcome.DONE
    assert node.ran == [(verb, "worker")]


def test_a_paused_node_is_not_started(node: Node) -> None:
    node.containers = [Container("worker", "paused", ())]
    assert outcome("start") is Outcome.ALREADY


def test_a_node_that_gets_its_address_again_is_only_connected(node: Node) -> None:
    node.containers.insert(0, Container("worker", "running", ()))
    assert outcome("connect", "kind") is Outcome.DONE
    assert without_looks(node.ran) == [("network", "connect", "kind", "worker")]


def test_a_node_that_gets_another_address_is_restarted_so_that_it_knows(node: Node) -> None:
    node.containers = [Container("worker", "running", ()), Container("worker", "running", (("kind", "172.18.0.9"),))]
    assert outcome("connect", "kind") is Outcome.DONE
    assert without_looks(node.ran) == [("network", "connect", "kind", "worker"), ("restart", "worker")]


def test_a_node_that_was_connected_but_not_restarted_yet_is_finished(node: Node) -> None:
    node.containers = [Container("worker", "running", (("kind", "172.18.0.9"),))]
    assert outcome("connect", "kind") is Outcome.DONE
    assert without_looks(node.ran) == [("restart", "worker")]


def test_a_node_that_does_not_run_is_connected_and_learns_its_address_when_it_starts(node: Node) -> None:
    node.containers = [Container("worker", "exited", ())]
    assert outcome("connect", "kind") is Outcome.DONE
    assert node.ran == [("network", "connect", "kind", "worker")]


def test_stopped_processes_go_on_those_of_a_container_of_a_node_or_of_kube_proxy(node: Node) -> None:
    node.inside = Inside("worker", "active", ((7, "uvicorn"), (8, "kube-proxy")), (), ())
    node.states = ("S", "T")
    assert outcome("continue", CONTAINER_ID) is Outcome.DONE
    assert outcome("continue") is Outcome.DONE
    assert outcome("start-kube-proxy") is Outcome.DONE
    assert node.ran == [
        ("worker", CONTAINER_ID, "SIGCONT"),
        ("worker", "kill", "-CONT", "7", "8"),
        ("worker", "kill", "-CONT", "8"),
    ]


def test_a_container_that_is_gone_needs_nothing(node: Node) -> None:
    node.states = ()
    assert outcome("continue", CONTAINER_ID) is Outcome.ALREADY


def test_stress_is_killed_rules_are_removed_and_the_kubelet_is_started(node: Node) -> None:
    node.inside = Inside("worker", "failed", (), (7, 8), ())
    node.rules = 2
    assert {outcome("end-stress"), outcome("uncover"), outcome("start-kubelet")} == {Outcome.DONE}
    assert node.ran == [("worker", "kill", "-KILL", "7", "8"), ("worker", "systemctl", "start", "kubelet")]


def test_connections_that_nobody_answered_are_forgotten_in_one_command(node: Node) -> None:
    node.inside = Inside("worker", "active", (), (), (), unanswered=2)
    assert outcome("forget") is Outcome.DONE
    assert node.ran == [("worker", "bash", "-c", FORGET)]


def test_a_kubelet_that_systemd_starts_already_is_left_to_it(node: Node) -> None:
    node.inside = Inside("worker", "activating", (), (), ())
    assert outcome("start-kubelet") is Outcome.ALREADY


@pytest.mark.parametrize("error", [EnvironmentFault("docker inspect:\n no answer"), GuardRefusal("not ours")])
def test_what_hinders_is_told_in_one_line_and_not_raised(
    node: Node, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def hinder(_: str) -> Container:
        raise error

    monkeypatch.setattr(undo_node, "observe_container", hinder)
    told = act(NodeUndo("worker", "unpause", "", "note"))
    assert (told.outcome, told.reason) == (Outcome.FAILED, " ".join(str(error).split()))
