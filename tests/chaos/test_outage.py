"""One fault to a replica of each service: who suffers, in what order things happen, and what is kept of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from seatrial.chaos import outage
from seatrial.chaos.outage import Fault, Injected, Victims, choose_victims, undergo
from seatrial.errors import Inconclusive
from seatrial.observe.records import Changes, EndpointChange, PodChange, PodView, Traffic
from seatrial.system import System
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices:\n"
    "  - {name: auth, workload: auth-deployment}\n"
    "  - {name: users, service: users-service}\n"
    "tolerances: {settle_seconds: 3, restart_seconds: 40, recovery_seconds: 50}\n",
    "system.yaml",
)


def pod(name: str, restarts: int = 0, *, ready: bool = True, terminating: bool = False) -> PodView:
    return PodView(
        "shop",
        name,
        f"uid of {name}",
        "10.0.0.1",
        "worker",
        "Running",
        ready,
        terminating,
        restarts,
        "app",
        "abc",
        0,
        0,
    )


class Fake:
    """A flow that only tells the order of events; time passes at once."""

    system: System = SYSTEM
    cluster = None

    def __init__(self, *pods: PodChange, endpoints: str = "auth-1 auth-2 users-1 users-2") -> None:
        services = {"auth": "auth", "users": "users-service"}
        published = (EndpointChange(0.0, services[pod.split("-")[0]], pod, True) for pod in endpoints.split())
        self.seen = Changes(pods, tuple(published))
        self.events: list[Any] = []
        self.whole = False

    def observe(self, seconds: float) -> None:
        self.events.append(("observe", round(seconds)))

    def observe_until(self, is_over: Callable[[], bool], *, within_seconds: float) -> bool:
        self.whole = is_over()
        self.events.append(("until whole", within_seconds))
        return self.whole

    def changes(self) -> Changes:
        return self.seen

    def stop(self) -> Mapping[str, Traffic]:
        self.events.append("stop")
        return {service.name: Traffic("a+b", service.name, True, ()) for service in self.system.services}


Pods = dict[str, list[PodView]]


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Pods:
    """The replicas by workload."""
    known: Pods = {"auth-deployment": [pod("auth-1"), pod("auth-2")], "users": [pod("users-1"), pod("users-2")]}
    monkeypatch.setattr(outage, "observe_pods", lambda cluster, namespace, workload: tuple(known[workload]))
    return known


def victims(flow: Fake, *, seed: int = 1, fewest_restarts: bool = True) -> dict[str, str]:
    chosen = choose_victims(flow, random.Random(seed), fewest_restarts=fewest_restarts)  # type: ignore[arg-type]
    return {service: pod.name for service, pod in chosen.items()}


def test_each_service_has_one_victim_by_chance_that_the_seed_repeats(pods: Pods) -> None:
    drawn = [victims(Fake(), seed=seed) for seed in range(20)]
    assert {each["auth"] for each in drawn} == {"auth-1", "auth-2"}
    assert {each["users"] for each in drawn} == {"users-1", "users-2"}
    assert drawn == [victims(Fake(), seed=seed) for seed in range(20)]


def test_only_replicas_that_get_traffic_are_chosen(pods: Pods) -> None:
    pods["users"] = [pod("unready", ready=False), pod("leaving", terminating=True), pod("users-3")]
    assert {victims(Fake(), seed=seed)["users"] for seed in range(20)} == {"users-3"}


@pytest.mark.parametrize(("fewest", "chosen"), [(True, {"none", "none too"}), (False, {"most"})])
def test_restarts_decide_before_chance(pods: Pods, fewest: bool, chosen: set[str]) -> None:
    pods["users"] = [pod("none"), pod("some", 1), pod("most", 5), pod("none too")]
    assert {victims(Fake(), seed=seed, fewest_restarts=fewest)["users"] for seed in range(30)} == chosen


def test_a_service_without_a_ready_replica_can_prove_nothing(pods: Pods) -> None:
    pods["users"] = [pod("unready", ready=False)]
    with pytest.raises(Inconclusive) as caught:
        victims(Fake())
    assert str(caught.value) == (
        "users\n  missing   a ready replica that could suffer\n  remedy    heal the system first"
    )


CHOSEN: Victims = {"auth": pod("auth-1"), "users": pod("users-2")}


def fault(flow: Fake, *, proof: str = "", **changes: Any) -> Fault:
    def inject(victims: Victims) -> dict[str, Injected]:
        flow.events.append("inject")
        return {service: Injected(time.time(), proof) for service in victims}

    def undo(victims: Victims) -> None:
        flow.events.append("undo")

    return replace(Fault("hangs", inject, undo=undo), **changes)


def suffer(flow: Fake, fault: Fault) -> Any:
    return undergo(flow, fault, CHOSEN)  # type: ignore[arg-type]


def test_the_normal_is_observed_before_the_fault_and_its_undoing_before_the_recovery(pods: Pods) -> None:
    flow = Fake()
    suffer(flow, fault(flow, hold_seconds=8.0))
    assert flow.events == [
        ("observe", 3),
        "inject",
        ("observe", 8),
        "undo",
        ("until whole", 90.0),
        ("observe", 3),
        "stop",
    ]


def test_observation_goes_on_to_the_end_of_the_faults_window(pods: Pods) -> None:
    flow = Fake()
    suffer(flow, fault(flow, window_seconds=20.0))
    assert flow.events[-2] == ("observe", 20)


def test_what_was_seen_is_kept_for_each_service(pods: Pods) -> None:
    flow = Fake(PodChange(1.0, "auth-1", "uid of auth-1", False, 0, False))
    auth, users = suffer(flow, fault(flow, proof="its switch accepted"))
    assert (auth.service, auth.endpoint_service, auth.kind, auth.proof) == (
        "auth",
        "auth",
        "hangs",
        "its switch accepted",
    )
    assert (auth.victim.name, users.victim.name) == ("auth-1", "users-2")
    assert (users.service, users.endpoint_service) == ("users", "users-service")
    assert [each.name for each in users.replicas] == ["users-1", "users-2"]
    assert users.traffic.url == "users"
    assert auth.changes is flow.seen


def lost(victim: PodView, changes: Changes) -> str:
    return "its readiness was lost" if any(change.uid == victim.uid for change in changes.pods) else ""


BOTH = tuple(PodChange(1.0, each.name, each.uid, False, 0, False) for each in CHOSEN.values())


@pytest.mark.parametrize(("seen", "whole"), [((), False), (BOTH[:1], False), (BOTH, True)])
def test_the_system_is_whole_again_only_when_every_fault_has_shown_itself(
    pods: Pods, seen: tuple[PodChange, ...], whole: bool
) -> None:
    flow = Fake(*seen)
    outages = suffer(flow, replace(fault(flow), proof=lost))
    assert flow.whole is whole
    assert [outage.proof for outage in outages] == ["its readiness was lost" if n < len(seen) else "" for n in (0, 1)]


def test_a_fault_that_was_held_need_not_show_itself(pods: Pods) -> None:
    flow = Fake()
    suffer(flow, fault(flow, hold_seconds=1.0))
    assert flow.whole


def test_an_experiment_that_has_ended_need_not_show_itself_again(pods: Pods) -> None:
    flow = Fake()
    suffer(flow, fault(flow, is_experiment=True))
    assert flow.whole


def test_only_what_begins_at_once_is_preceded_by_a_time_of_its_own(pods: Pods) -> None:
    at_once, experiment = Fake(), Fake()
    suffer(at_once, fault(at_once))
    suffer(experiment, fault(experiment, is_experiment=True))
    assert at_once.events[0] == ("observe", 3)
    assert experiment.events == at_once.events[1:]


def test_only_the_services_that_it_concerns_are_awaited_and_kept(pods: Pods) -> None:
    flow = Fake(endpoints="auth-1 auth-2 users-1")
    outages = undergo(flow, fault(flow, is_experiment=True), {"auth": pod("auth-1")})  # type: ignore[arg-type]
    assert flow.whole
    assert [each.service for each in outages] == ["auth"]


@pytest.mark.parametrize(
    ("endpoints", "whole"),
    [
        ("auth-1 auth-2 users-1 users-2", True),
        ("auth-1 auth-3 users-1 users-3", True),
        ("auth-1 auth-2 users-1", False),
        ("auth-1 auth-2 users-1 users-2 users-3", False),
        ("", False),
    ],
)
def test_the_system_is_whole_only_with_as_many_endpoints_as_before(pods: Pods, endpoints: str, whole: bool) -> None:
    flow = Fake(endpoints=endpoints)
    suffer(flow, fault(flow, hold_seconds=1.0))
    assert flow.whole is whole
