"""A steady flow: from every node to every service, ended once, whatever happens."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import flow as module
from seatrial.observe.flow import LONGEST_SECONDS, Flow, at_once
from seatrial.observe.records import Changes, PodChange, Request
from seatrial.observe.vantage_run import Run
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: auth}, {name: users}]\n"
    "tolerances: {rate_per_second: 60, request_timeout_seconds: 2}\n",
    "system.yaml",
)


class Node:
    """A vantage that begins runs; ``refuses`` names a service that it cannot begin with."""

    def __init__(self, node: str, refuses: str = "") -> None:
        self.node = node
        self.orders: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []
        self._refuses = refuses

    def start(self, url: str, **order: Any) -> Run:
        service = url.removeprefix("http://").split(".")[0]
        if service == self._refuses:
            time.sleep(0.05)
            raise EnvironmentFault(f"vantage on node {self.node}: no answer")
        self.orders[service] = order
        return Run(Told(self, service), url, True, service)  # type: ignore[arg-type]


class Told:
    """The agent's part of a run: one request, answered by the service's one replica."""

    def __init__(self, node: Node, service: str) -> None:
        self.node = node.node
        self._stopped = node.stopped
        self._service = service

    def post(self, path: str, body: object) -> None:
        self._stopped.append(self._service)

    def get(self, path: str, **_: object) -> dict[str, Any]:
        at = float(ord(self.node))
        row = [at, at, at, 200, 0, ""]
        replicas = [f"{self._service}-1"]
        return {"done": True, "error": "", "columns": Request.__slots__, "replicas": replicas, "rows": [row]}

    def delete(self, path: str) -> None:
        pass

    def clock_offset_seconds(self) -> float:
        return 0.0


CHANGE = PodChange(1.0, "auth-1", "u", True, 0, False)


@pytest.fixture(autouse=True)
def watching(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the watch see one change more at each look; returns when it is entered and left."""
    events: list[str] = []

    class Watch:
        def __init__(self, cluster: object, namespace: str) -> None:
            self.seen: tuple[PodChange, ...] = ()

        def __enter__(self) -> Self:
            events.append("entered")
            return self

        def __exit__(self, *_: object) -> None:
            events.append("left")

        def changes(self) -> Changes:
            self.seen = (*self.seen, CHANGE)
            return Changes(self.seen, ())

    monkeypatch.setattr(module, "Watch", Watch)
    return events


def flow(*nodes: Node) -> Flow:
    return Flow(None, SYSTEM, nodes)  # type: ignore[arg-type]


def test_every_node_sends_its_part_of_the_rate_to_every_service() -> None:
    nodes = [Node("a"), Node("b"), Node("c")]
    with flow(*nodes):
        pass
    for node in nodes:
        assert set(node.orders) == {"auth", "users"}
        for order in node.orders.values():
            assert (order["rate_per_second"], order["duration_seconds"]) == (20.0, LONGEST_SECONDS)
            assert (order["timeout_seconds"], order["identity_header"]) == (2.0, "X-Served-By")


def test_only_those_services_are_asked_that_are_named() -> None:
    node = Node("a")
    with Flow(None, SYSTEM, [node], services=SYSTEM.services[1:]) as flowing:  # type: ignore[arg-type]
        assert flowing.services == SYSTEM.services[1:]
        assert list(flowing.stop()) == ["users"]
    assert list(node.orders) == ["users"]
    assert flow(node).services == SYSTEM.services


def test_the_requests_of_all_nodes_are_one_sample_for_each_service() -> None:
    with flow(Node("b"), Node("a")) as flowing:
        traffic = flowing.stop()
    assert {name: (sample.node, sample.count) for name, sample in traffic.items()} == {
        "auth": ("a+b", 2),
        "users": ("a+b", 2),
    }
    assert traffic["users"].answers() == {"users-1": 2}
    assert [request.start for request in traffic["auth"].requests] == [97.0, 98.0]


def test_a_flow_is_ended_once() -> None:
    node = Node("a")
    with flow(node) as flowing:
        assert flowing.stop() is flowing.stop()
    assert sorted(node.stopped) == ["auth", "users"]


def test_what_changes_after_the_end_does_not_count() -> None:
    with flow(Node("a")) as flowing:
        assert len(flowing.changes().pods) == 1
        flowing.stop()
        assert flowing.changes() is flowing.changes()


def test_an_error_of_the_scenario_ends_the_flow_and_the_watch(watching: list[str]) -> None:
    node = Node("a")
    with pytest.raises(RuntimeError), flow(node):
        raise RuntimeError
    assert sorted(node.stopped) == ["auth", "users"]
    assert watching == ["entered", "left"]


def test_when_one_run_does_not_begin_those_that_did_are_ended(watching: list[str]) -> None:
    good, bad = Node("a"), Node("b", refuses="users")
    with pytest.raises(EnvironmentFault, match="vantage on node b: no answer"), flow(good, bad):
        pass
    assert sorted(good.stopped) == ["auth", "users"]
    assert bad.stopped == ["auth"]
    assert watching == ["entered", "left"]


@pytest.mark.parametrize(("answers", "over"), [([False, False, True], True), ([False], False)])
def test_observation_ends_with_the_event_or_the_bound(
    monkeypatch: pytest.MonkeyPatch, answers: list[bool], over: bool
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)

    def is_over() -> bool:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    began = time.monotonic()
    assert flow().observe_until(is_over, within_seconds=0.2) is over
    assert (time.monotonic() - began >= 0.2) is not over


def test_the_same_is_done_to_all_at_the_same_time_and_told_in_order() -> None:
    together = threading.Barrier(3, timeout=5)

    def act(number: int) -> int:
        together.wait()
        return number * 2

    assert at_once(act, [3, 1, 2]) == [6, 2, 4]
    assert at_once(act, []) == []


def test_the_first_error_is_raised_when_all_have_ended() -> None:
    ended: list[str] = []

    def act(name: str) -> None:
        if name.startswith("bad"):
            raise EnvironmentFault(name)
        time.sleep(0.05)
        ended.append(name)

    with pytest.raises(EnvironmentFault, match="bad one"):
        at_once(act, ["good", "bad one", "bad two", "good too"])
    assert sorted(ended) == ["good", "good too"]
