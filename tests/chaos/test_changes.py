"""A round of changes under load: what is done in which order, what is sent meanwhile, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from seatrial.chaos import changes
from seatrial.chaos.changes import change_all
from seatrial.observe.direct_flow import CONNECTIONS
from seatrial.observe.flow import LONGEST_SECONDS
from seatrial.observe.lineup import Lineup
from seatrial.observe.records import Traffic
from seatrial.observe.rounds import BACK, FRESH, IN, KEPT, OUT, UPDATE
from seatrial.system import System
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: auth, direct: auth-direct}, {name: users}]\n"
    "tolerances: {rollout_rate_per_second: 12, settle_seconds: 3, request_timeout_seconds: 2}\n",
    "system.yaml",
)
BEFORE = Lineup(3, 3, 3, True, ())
SETTLED = Lineup(0, 0, 0, True, ())
EMPTY: tuple[Any, ...] = ()


@dataclass
class Node:
    """A vantage that notes what it is to send."""

    node: str
    orders: list[dict[str, Any]] = field(default_factory=list)

    def start(self, url: str, **order: Any) -> Any:
        self.orders.append({"url": url, **order})
        return Sent(self.node, order["fresh"])


@dataclass
class Sent:
    node: str
    fresh: bool

    def stop(self) -> Traffic:
        return Traffic(self.node, "", self.fresh, ())


@dataclass
class World:
    """What is done to the cluster, and how long is waited."""

    done: list[tuple[str, Any]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    now: float = 1000.0
    before: Mapping[str, Lineup] = field(default_factory=lambda: {"auth": BEFORE, "users": replace(BEFORE, wanted=2)})
    renewed: Lineup = SETTLED
    after: Mapping[str, Lineup] = field(default_factory=lambda: {"auth": SETTLED, "users": SETTLED})

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += max(seconds, 0.0)

    def renew(self, *given: Any, within_seconds: float) -> Lineup:
        self.done.append(("renewed", (given[2], within_seconds)))
        self.now += 2.0
        return self.renewed

    def settle(self, *_: Any, within_seconds: float) -> Mapping[str, Lineup]:
        self.bounds.append(within_seconds)
        self.now += 10.0
        return self.after


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    monkeypatch.setattr(changes, "observe", world.wait)
    monkeypatch.setattr(changes.time, "time", lambda: world.now)
    monkeypatch.setattr(changes, "observe_lineups", lambda *_: world.before)
    monkeypatch.setattr(changes, "await_settled", world.settle)
    monkeypatch.setattr(changes, "roll_out", lambda *given: world.done.append((UPDATE, given[3:])))
    monkeypatch.setattr(changes, "roll_back", lambda *given: world.done.append((BACK, given[2])))
    monkeypatch.setattr(changes, "await_renewed", world.renew)
    monkeypatch.setattr(changes, "set_replicas", lambda *given: world.done.append(("replicas", given[2])))
    monkeypatch.setattr("seatrial.observe.flow.Run", Sent)
    return world


def run(number: int = 1, requests: int = 0, nodes: tuple[Node, ...] = EMPTY, system: System = SYSTEM) -> Any:
    return change_all(None, system, (), nodes or (Node("a"),), number, requests=requests)  # type: ignore[arg-type]


def test_the_changes_follow_each_other_and_the_numbers_of_replicas_come_back(world: World):
    found = run(number=4)
    assert [phase.name for phase in found.phases] == [UPDATE, OUT, IN, BACK]
    renewed = [("renewed", ("auth", 180.0)), ("renewed", ("users", 178.0))]
    assert world.done == [
        *((UPDATE, (["auth", "users"], "4-1003")), *renewed),
        *(("replicas", {"auth": 4, "users": 3}), *renewed),
        *(("replicas", {"auth": 3, "users": 2}), *renewed),
        *((BACK, ["auth", "users"]), *renewed),
    ]
    assert world.bounds == [176.0] * 4
    assert [(phase.began, phase.ended) for phase in found.phases] == [
        *((1003.0, 1017.0), (1017.0, 1031.0), (1031.0, 1045.0), (1045.0, 1059.0))
    ]
    assert found.phases[1].before is found.phases[0].after


FIVE = parse_system(
    f"name: shop\nnamespace: shop\nservices: [{', '.join(f'{{name: s{number}}}' for number in range(5))}]\n",
    "system.yaml",
)


def test_two_services_change_together_and_the_next_when_the_replicas_of_both_are_as_wanted(world: World):
    world.before = {each.name: BEFORE for each in FIVE.services}
    run(system=FIVE)
    services = {UPDATE: lambda given: given[0], "replicas": list, BACK: list, "renewed": lambda given: given[0]}
    order = [services[act](given) for act, given in world.done]
    assert order == [["s0", "s1"], "s0", "s1", ["s2", "s3"], "s2", "s3", ["s4"], "s4"] * 4


def test_no_further_services_change_when_one_does_not_come_to_its_end(world: World):
    world.before = {each.name: BEFORE for each in FIVE.services}
    world.renewed = replace(SETTLED, updated=1)
    world.after = {"s0": replace(SETTLED, updated=1)}
    run(system=FIVE)
    assert [act for act, _ in world.done] == [UPDATE, "renewed"]


def test_nothing_more_is_changed_after_a_change_that_does_not_come_to_its_end(world: World):
    world.after = {"auth": SETTLED, "users": replace(SETTLED, updated=1)}
    found = run()
    assert [phase.name for phase in found.phases] == [UPDATE]
    assert not found.phases[0].finished
    assert [act for act, _ in world.done] == [UPDATE, "renewed", "renewed"]


def test_every_node_asks_every_service_directly_over_new_and_over_kept_connections(world: World):
    nodes = (Node("a"), Node("b"))
    found = run(nodes=nodes)
    for node in nodes:
        kinds = sorted((each["url"].split(".")[0], each["fresh"], each["connections"]) for each in node.orders)
        assert kinds == [
            ("http://auth-direct", False, CONNECTIONS),
            ("http://auth-direct", True, 0),
            ("http://users", False, CONNECTIONS),
            ("http://users", True, 0),
        ]
        for order in node.orders:
            assert (order["rate_per_second"], order["duration_seconds"]) == (3.0, LONGEST_SECONDS)
            assert (order["timeout_seconds"], order["identity_header"]) == (2.0, "X-Served-By")
    assert {kind: {name: each.node for name, each in found.traffic[kind].items()} for kind in (FRESH, KEPT)} == {
        FRESH: {"auth": "a+b", "users": "a+b"},
        KEPT: {"auth": "a+b", "users": "a+b"},
    }


@pytest.mark.parametrize(("requests", "last"), [(0, 3.0), (300, 3.0), (1200, 44.0)])
def test_it_goes_on_until_as_many_requests_are_due_as_are_asked_for(world: World, requests: int, last: float):
    run(requests=requests)
    assert world.waited == [3.0, last]  # 12 requests of each kind a second: 56 s of them are sent during the changes


def test_a_change_that_is_refused_ends_what_was_begun(world: World, monkeypatch: pytest.MonkeyPatch):
    stopped: list[str] = []
    monkeypatch.setattr(Sent, "stop", lambda sent: stopped.append(sent.node) or Traffic("a", "", True, ()))

    def refuse(*_: Any) -> None:
        raise RuntimeError("refused")

    monkeypatch.setattr(changes, "roll_out", refuse)
    with pytest.raises(RuntimeError, match="refused"):
        run()
    assert len(stopped) == 4
