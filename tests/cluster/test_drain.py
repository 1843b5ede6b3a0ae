"""Draining: who is moved, who stays, and what becomes of evictions that a budget refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.cluster import drain
from seatrial.cluster.drain import CORDONED, Fate, evict, evict_all, evictable, fate_of, node_view, uncordon
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import PodView
from seatrial.waiting import Clock


def view(name: str) -> PodView:
    return PodView("shop", name, f"uid of {name}", "", "worker", "Running", True, False, 0, "app", "abc", 0.0, 0.0)


def raw(name: str, *, owner: str = "ReplicaSet", phase: str = "Running", annotation: str = "") -> Any:
    """A pod as the API server lists it."""
    return SimpleNamespace(
        metadata=SimpleNamespace(
            name=name,
            annotations={annotation: "x"} if annotation else None,
            owner_references=[SimpleNamespace(kind=owner, controller=True)] if owner else None,
        ),
        status=SimpleNamespace(phase=phase),
    )


def moved(*pods: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(drain, "pod_view", lambda pod: view(pod.metadata.name))
    return [pod.name for pod in evictable(pods)]


def test_replicas_are_moved_in_order_of_name_with_pods_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = raw("users-2"), raw("alone", owner=""), raw("auth-1")
    assert moved(*pods, monkeypatch=monkeypatch) == ["alone", "auth-1", "users-2"]


@pytest.mark.parametrize(
    "stays",
    [
        raw("agent", owner="DaemonSet"),
        raw("etcd", annotation=drain.MIRROR),
        raw("done", phase="Succeeded"),
        raw("broken", phase="Failed"),
    ],
    ids=["of a DaemonSet", "mirror", "succeeded", "failed"],
)
def test_what_comes_back_or_has_ended_stays(monkeypatch: pytest.MonkeyPatch, stays: Any) -> None:
    assert moved(stays, raw("auth-1"), monkeypatch=monkeypatch) == ["auth-1"]


@pytest.mark.parametrize(
    ("status", "fate"),
    [(429, Fate.REFUSED), (404, Fate.GONE), (409, Fate.GONE), (500, None), (403, None), (None, None)],
)
def test_only_a_budgets_refusal_is_worth_another_try(status: int | None, fate: Fate | None) -> None:
    assert fate_of(status) is fate


def test_exactly_this_pod_is_evicted() -> None:
    asked: list[Any] = []
    core = SimpleNamespace(create_namespaced_pod_eviction=lambda *what: asked.append(what))
    assert evict(SimpleNamespace(core=core), view("auth-1")) is Fate.EVICTED  # type: ignore[arg-type]
    [(name, namespace, body)] = asked
    assert (name, namespace, body.delete_options.preconditions.uid) == ("auth-1", "shop", "uid of auth-1")


def refusing(status: int, reason: str) -> Any:
    def refuse(*_: object) -> None:
        raise ApiException(status=status, reason=reason)

    return SimpleNamespace(core=SimpleNamespace(create_namespaced_pod_eviction=refuse))


def test_a_budgets_refusal_is_told_and_another_error_raised() -> None:
    assert evict(refusing(429, "Too Many Requests"), view("auth-1")) is Fate.REFUSED
    with pytest.raises(EnvironmentFault) as caught:
        evict(refusing(500, "Internal Server Error"), view("auth-1"))
    assert str(caught.value) == "Pod shop/auth-1 cannot be evicted: 500 Internal Server Error"


class Slow:
    """A clock that goes on by what is slept."""

    def __init__(self) -> None:
        self.at = 0.0
        self.clock = Clock(lambda: self.at, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def drained(
    fates: dict[str, list[Fate]], present: Callable[[], list[PodView]] = list, within: float = 10.0
) -> Sequence[drain.Evicted]:
    asked = {name: iter(each) for name, each in fates.items()}
    pods = [view(name) for name in fates]
    return evict_all(pods, lambda pod: next(asked[pod.name]), present, within_seconds=within, clock=Slow().clock)


def test_what_a_budget_holds_back_is_asked_for_again_and_nothing_else_is() -> None:
    first, second = drained({"auth-1": [Fate.EVICTED], "auth-2": [Fate.REFUSED, Fate.REFUSED, Fate.EVICTED]})
    assert (first.refusals, second.refusals) == (0, 2)
    assert first.at
    assert second.at


def test_a_pod_that_was_gone_already_is_no_matter() -> None:
    assert [each.pod.name for each in drained({"auth-1": [Fate.GONE]})] == ["auth-1"]


def test_a_drain_ends_when_the_pods_are_gone_and_not_when_they_are_told_to_go() -> None:
    looks = iter([[view("auth-1")], [view("auth-1"), view("users-1")], [view("users-1")]])
    drained({"auth-1": [Fate.EVICTED]}, lambda: next(looks))
    assert next(looks, None) is None


def test_who_is_leaving_already_is_waited_for_and_not_evicted() -> None:
    leaving, staying = replace(view("gateway-old"), terminating=True), view("gateway-new")
    asked: list[str] = []

    def evict_one(pod: PodView) -> Fate:
        asked.append(pod.name)
        return Fate.EVICTED

    looks = iter([[leaving], [leaving], []])
    found = evict_all((leaving, staying), evict_one, lambda: next(looks), within_seconds=10, clock=Slow().clock)
    assert asked == ["gateway-new"] == [each.pod.name for each in found]
    assert next(looks, None) is None
    with pytest.raises(EnvironmentFault, match=r"1 of 2 pods .*: gateway-old \(still ending\)"):
        evict_all((leaving, staying), evict_one, lambda: [leaving], within_seconds=3, clock=Slow().clock)


def test_what_is_still_there_after_the_bound_is_named_with_the_reason() -> None:
    fates = {"auth-1": [Fate.EVICTED], "auth-2": [Fate.REFUSED] * 9, "users-1": [Fate.EVICTED]}
    with pytest.raises(EnvironmentFault) as caught:
        drained(fates, lambda: [view("auth-1")], within=3.0)
    assert str(caught.value) == (
        "2 of 3 pods are not evicted within 3 s: auth-1 (still ending), "
        "auth-2 (its PodDisruptionBudget said no 4 times)"
    )


def node(name: str = "worker", *, ready: str = "True", cordoned_by: str = "", control_plane: bool = False) -> Any:
    labels = {"node-role.kubernetes.io/control-plane": ""} if control_plane else None
    annotations = {CORDONED: "true"} if cordoned_by == "us" else None
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, annotations=annotations, labels=labels),
        spec=SimpleNamespace(unschedulable=bool(cordoned_by) or None),
        status=SimpleNamespace(conditions=[SimpleNamespace(type="Ready", status=ready)]),
    )


def test_a_node_is_told_by_its_condition_cordon_and_role() -> None:
    assert node_view(node()) == drain.NodeView("worker", True, False, False, False)
    assert not node_view(node(ready="Unknown")).ready
    assert node_view(node(cordoned_by="us")) == drain.NodeView("worker", True, True, True, False)
    assert not node_view(node(cordoned_by="somebody")).ours
    assert node_view(node(control_plane=True)).control_plane


@pytest.mark.parametrize(("cordoned_by", "patched"), [("us", 1), ("somebody", 0), ("", 0)])
def test_nobody_elses_cordon_is_taken_back(cordoned_by: str, patched: int) -> None:
    asked: list[Any] = []
    core = SimpleNamespace(
        read_node=lambda name: node(cordoned_by=cordoned_by), patch_node=lambda *what: asked.append(what)
    )
    uncordon(SimpleNamespace(core=core), "worker")  # type: ignore[arg-type]
    assert asked == [("worker", drain.UNCORDON)] * patched


def test_a_node_that_is_not_there_is_told() -> None:
    def read(name: str) -> None:
        raise ApiException(status=404, reason="Not Found")

    with pytest.raises(EnvironmentFault, match=r"^Node nowhere cannot be read: 404 Not Found$"):
        drain.observe_node(SimpleNamespace(core=SimpleNamespace(read_node=read)), "nowhere")  # type: ignore[arg-type]
