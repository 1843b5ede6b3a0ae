"""Load that makes a service scale: how much it is, and in which order things are done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Self

import pytest

from seatrial.chaos import scaling
from seatrial.chaos.scaling import (
    LIGHT_RATE,
    PROBED_RATE,
    Costs,
    Load,
    Subject,
    autoscaler_of,
    await_idle,
    grow,
    measure_costs,
)
from seatrial.errors import EnvironmentFault, Inconclusive
from seatrial.observe.autoscalers import Autoscaler
from seatrial.observe.records import Traffic
from seatrial.observe.rounds import FRESH, KEPT
from seatrial.observe.scale_watch import Count, Scale
from seatrial.observe.usage import Usage
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: auth, workload: auth-front}]\n", "system.yaml")
AUTH = Autoscaler("auth", "Deployment", "auth-front", 2, 10, {"cpu": 70, "memory": 85}, 45)


@dataclass
class World:
    """What is done, in order, and what is seen."""

    done: list[str] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    autoscalers: tuple[Autoscaler, ...] = (AUTH,)
    counts: list[Count] = field(default_factory=lambda: [Count(0.0, 2, 2)])

    def measure(self, cluster: object, pods: tuple[Any, ...], *, for_seconds: float) -> float:
        self.done.append(f"measured {len(pods)}")
        return self.cores.pop(0)

    def flow(self, system: Any, services: Any, vantages: Any, *, rate_per_second: float, fresh: bool) -> Any:
        return Flow(self, f"{rate_per_second:g} {'fresh' if fresh else 'kept'}")


@dataclass
class Flow:
    world: World
    name: str

    def __enter__(self) -> Self:
        self.world.done.append(f"{self.name} begins")
        return self

    def __exit__(self, *_: object) -> None:
        self.world.done.append(f"{self.name} ends")

    def stop(self) -> dict[str, Traffic]:
        return {"auth": Traffic(self.name, "", True, ())}


@dataclass
class Watching:
    world: World

    def __enter__(self) -> Self:
        self.world.done.append("watched")
        return self

    def __exit__(self, *_: object) -> None:
        self.world.done.append("not watched")

    def scale(self) -> Scale:
        return Scale(tuple(self.world.counts), ())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(scaling, "observe_autoscalers", lambda *_: world.autoscalers)
    monkeypatch.setattr(scaling, "scale", lambda *given: world.done.append(f"scaled to {given[2]['auth']}"))
    monkeypatch.setattr(scaling, "observe_replicas", lambda *_: ("pod",) * 4)
    monkeypatch.setattr(scaling, "measure_cores", world.measure)
    monkeypatch.setattr(scaling, "direct_flow", world.flow)
    monkeypatch.setattr(scaling, "ScaleWatch", lambda *_, **__: Watching(world))
    monkeypatch.setattr(scaling, "observe", lambda seconds: None)
    asked = {"a": {"app": {"cpu": 0.05}, "vantage": {"cpu": 0.01}, "bare": {}}}
    monkeypatch.setattr(scaling, "observe_asked", lambda *_: asked)
    return world


def subject() -> Subject:
    return Subject(SimpleNamespace(another=lambda: None), SYSTEM, (), SYSTEM.services[0])  # type: ignore[arg-type]


def test_costs_are_the_difference_that_requests_make(world: World):
    world.cores = [0.26, 0.02]
    costs = measure_costs(subject(), AUTH)
    assert costs.idle == pytest.approx(0.005)
    assert costs.meant == pytest.approx(0.7 * 0.06)
    assert costs.request == pytest.approx(0.24 / PROBED_RATE)
    load = f"{PROBED_RATE:g} fresh"
    assert world.done == [f"{load} begins", "measured 4", f"{load} ends", "measured 4"]


def test_requests_that_seem_to_cost_nothing_tell_nothing(world: World):
    world.cores = [0.02, 0.02]
    with pytest.raises(Inconclusive, match="240 a second used no CPU that could be measured"):
        measure_costs(subject(), AUTH)


def test_a_load_leaves_room_for_what_replicas_use_anyway_and_for_what_is_sent_all_the_time():
    costs = Costs(idle=0.004, meant=0.042, request=0.001)
    assert costs.rate(9.5, 6) == pytest.approx((9.5 * 0.042 - 6 * 0.004) / 0.001 - 2 * LIGHT_RATE)
    assert costs.rate(0.1, 6) < 0


def used(*cores: float) -> Usage:
    return Usage({f"auth-{number}": {"app": {"cpu": each}} for number, each in enumerate(cores)})


def test_an_autoscaler_is_released_when_the_metrics_have_forgotten_the_load_before(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    meant = 0.7 * 0.06
    told = [used(0.0), used(3 * meant, 0.0), Usage(error="HTTP 503"), used(1.5 * meant, 0.5 * meant), used(0.0, 0.0)]
    monkeypatch.setattr(scaling, "observe_replicas", lambda *_: [SimpleNamespace(name=f"auth-{n}") for n in (0, 1)])
    monkeypatch.setattr(scaling, "observe_usage", lambda *_: told.pop(0))
    monkeypatch.setattr(scaling, "POLL_SECONDS", 0.001)
    await_idle(subject(), AUTH)
    assert told == [used(0.0, 0.0)]


@pytest.mark.parametrize(
    "others",
    [(), (AUTH, AUTH), (replace(AUTH, target="users"),), (replace(AUTH, utilization={"memory": 85}),)],
    ids=["none", "two", "of another", "not by CPU"],
)
def test_a_service_that_does_not_scale_by_cpu_tells_nothing(world: World, others: tuple[Autoscaler, ...]):
    world.autoscalers = others
    with pytest.raises(Inconclusive, match="one autoscaler that scales it by CPU"):
        autoscaler_of(subject())


def test_a_service_is_at_its_least_and_watched_before_it_is_released_and_loaded(world: World):
    looks = iter([False, False, True])
    found = grow(
        subject(),
        lambda: world.done.append("released"),
        [Load("load", 300.0)],
        until=lambda scale, began: next(looks),
        within_seconds=5,
        shrink_seconds=5,
        worth=lambda: float(world.done.append("weighed") or 9.7),
    )
    light = f"{LIGHT_RATE:g}"
    assert world.done == [
        *("scaled to 2", "watched", f"{light} fresh begins", f"{light} kept begins"),
        *("released", "300 fresh begins", "weighed", "300 fresh ends"),
        *(f"{light} kept ends", f"{light} fresh ends", "not watched"),
    ]
    assert {kind: each.node for kind, each in found.traffic.items()} == {
        FRESH: f"{light} fresh",
        KEPT: f"{light} kept",
        "load": "300 fresh",
    }
    assert (found.service, found.autoscaler, found.worth, found.rate_per_second) == ("auth", AUTH, 9.7, 300.0)
    assert found.loaded_at <= found.eased_at <= found.ended_at


def test_more_load_follows_as_soon_as_replicas_are_there_for_it(world: World, monkeypatch: pytest.MonkeyPatch):
    def pass_by(seconds: float) -> None:
        world.done.append("waited")
        world.counts.append(Count(time.time(), 6, 6))

    monkeypatch.setattr(scaling, "observe", pass_by)
    loads = [Load("load", 300.0), Load("more load", 200.0, replicas=6)]
    found = grow(subject(), lambda: None, loads, until=lambda *_: True, within_seconds=5)
    assert world.done[4:9] == ["300 fresh begins", "waited", "200 fresh begins", "200 fresh ends", "300 fresh ends"]
    assert (found.loads, found.rate_per_second) == ({"load": 300.0, "more load": 200.0}, 500.0)


def test_more_load_is_not_sent_when_replicas_are_never_there_for_it(world: World):
    loads = [Load("load", 300.0), Load("more load", 200.0, replicas=6)]
    found = grow(subject(), lambda: None, loads, until=lambda *_: True, within_seconds=0.05)
    assert found.loads == {"load": 300.0}
    assert set(found.traffic) == {FRESH, KEPT, "load"}


def test_what_was_measured_while_it_changed_is_measured_again(world: World):
    now = time.time()
    world.counts = [Count(now - 60, 7, 7)]
    weights = iter([7.8, 9.9])

    def weigh() -> float:
        if len(world.counts) == 1:
            world.counts.append(Count(now - 50, 9, 7))  # another number than the one that is being measured
        return next(weights)

    found = grow(subject(), lambda: None, [Load("load", 300.0)], until=lambda *_: True, within_seconds=5, worth=weigh)
    assert found.worth == 9.9


def test_what_was_measured_in_vain_is_measured_again_before_it_has_settled(world: World):
    world.counts = [Count(time.time() - 60, 7, 7)]
    weighed: list[float] = []

    def weigh() -> float:
        if not weighed:
            world.counts.append(Count(time.time(), 9, 9))
        weighed.append(time.monotonic())
        return 9.9

    grow(
        subject(),
        lambda: None,
        [Load("load", 300.0)],
        until=lambda *_: True,
        within_seconds=30,
        worth=weigh,
        settle_seconds=1.0,
    )
    first, second = weighed
    assert second - first < 1.0


def test_a_replica_that_goes_while_it_is_measured_has_it_measured_again(world: World):
    now = time.time()
    world.counts = [Count(now - 60, 6, 6)]

    def weigh() -> float:
        if len(world.counts) == 1:
            world.counts.append(Count(now - 50, 5, 6))
            raise EnvironmentFault("the kubelets do not tell how much CPU is used by auth-5")
        return 4.9

    found = grow(subject(), lambda: None, [Load("load", 300.0)], until=lambda *_: True, within_seconds=5, worth=weigh)
    assert found.worth == 4.9


def test_what_is_measured_in_vain_until_the_bound_is_worth_nothing(world: World):
    world.counts = [Count(time.time() - 60, 6, 6)]

    def weigh() -> float:
        world.counts.append(Count(time.time(), world.counts[-1].wanted - 1, 6))
        raise EnvironmentFault("the kubelets do not tell how much CPU is used by auth-5")

    found = grow(
        subject(), lambda: None, [Load("load", 300.0)], until=lambda *_: True, within_seconds=0.05, worth=weigh
    )
    assert found.worth == 0.0


def test_a_kubelet_that_does_not_tell_while_nothing_changes_is_a_fault(world: World):
    def weigh() -> float:
        raise EnvironmentFault("the kubelet of seatrial-worker does not tell how much CPU is used")

    with pytest.raises(EnvironmentFault, match="seatrial-worker does not tell"):
        grow(subject(), lambda: None, [Load("load", 300.0)], until=lambda *_: True, within_seconds=5, worth=weigh)


def test_without_a_load_nothing_more_is_sent(world: World):
    found = grow(subject(), lambda: None, [], until=lambda *_: True, within_seconds=5)
    assert set(found.traffic) == {FRESH, KEPT}


def test_what_does_not_happen_is_waited_for_until_the_bound(world: World):
    world.counts = [Count(0.0, 5, 5)]
    found = grow(subject(), lambda: None, [], until=lambda *_: False, within_seconds=0.05, shrink_seconds=0.05)
    assert found.eased_at - found.loaded_at >= 0.05
    assert found.ended_at - found.eased_at >= 0.05
