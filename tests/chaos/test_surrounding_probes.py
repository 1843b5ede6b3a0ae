"""Probes of what happened around the services: yes only for what was really seen."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fake_api import FakeApi

from seatrial.chaos.packet_rules import Laid
from seatrial.chaos.probes import dns, network, proxies, rollouts
from seatrial.chaos.templates import NEVER_READY, RESTARTED
from seatrial.observe.proxies import killed_at
from seatrial.observe.records import Endpoint, PodView, Request
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: items}, {name: users}]\n"
    "edges: [{caller: users, callee: items, request: {path: /v1/users/1}}]\n",
    "system.yaml",
)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    for module in (dns, network, proxies, rollouts):
        monkeypatch.setattr(module, "cluster_here", lambda: fake.cluster)
        monkeypatch.setattr(module, "system_here", lambda: SYSTEM, raising=False)
    return fake


def call(seconds: float, error: str = "") -> Request:
    return Request(0.0, 0.0, seconds, 0 if error else 200, "", error)


@pytest.mark.parametrize(
    ("made", "slow"),
    [
        ([call(0.31), call(0.32), call(0.01)], True),
        ([call(0.31), call(0.01), call(0.01)], False),
        ([call(2.0, "timeout"), call(2.0, "timeout"), call(0.01)], False),
        ([call(2.0, "timeout")], False),
        ([], False),
    ],
    ids=["most", "few", "lost calls are not slow ones", "all lost", "none"],
)
def test_a_call_is_slow_when_half_of_those_that_are_answered_are(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, made: list[Request], slow: bool
):
    monkeypatch.setattr(network, "call_along", lambda *_: tuple(made))
    assert network.edge_is_slow("", "", 3, 0.3) is slow


@pytest.mark.parametrize(
    ("rules", "dropped"),
    [
        ([Laid("filter", "-A FORWARD", 3)], True),
        ([Laid("filter", "-A FORWARD", 0)], False),
        ([Laid("nat", "-A PREROUTING", 3)], False),
        ([], False),
    ],
    ids=["counted", "none counted", "a detour drops nothing", "no rule"],
)
def test_packets_were_dropped_when_the_kernel_counted_them(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, rules: list[Laid], dropped: bool
):
    monkeypatch.setattr(network, "call_along", lambda *_: ())
    monkeypatch.setattr(network, "node_names", lambda _: ("worker",))
    monkeypatch.setattr(network, "laid_on", lambda _: tuple(rules))
    assert network.packets_were_dropped("users", "items", 60) is dropped


def server(created: float, *, terminating: bool = False) -> PodView:
    return PodView("kube-system", "c", "u", "i", "n", "Running", True, terminating, 0, "c", "c", created, 0.0)


@pytest.mark.parametrize(
    ("servers", "some", "everyone"),
    [
        ([server(200), server(50)], True, False),
        ([server(200), server(201)], True, True),
        ([server(200), server(50, terminating=True)], True, True),
        ([server(50), server(50)], False, False),
        ([], False, False),
    ],
    ids=["one", "all", "the old one is about to go", "none", "nobody"],
)
def test_only_servers_that_were_made_since_are_new(servers: list[PodView], some: bool, everyone: bool):
    assert dns.are_new(servers, 100.0, everyone=False) is some
    assert dns.are_new(servers, 100.0, everyone=True) is everyone


def gateway(exit_code: int | None) -> Any:
    ended = exit_code is not None and SimpleNamespace(exit_code=exit_code, finished_at=datetime.fromtimestamp(150, UTC))
    status = SimpleNamespace(name="nginx", last_state=SimpleNamespace(terminated=ended or None))
    return SimpleNamespace(
        metadata=SimpleNamespace(name="gateway-1", annotations=None),
        spec=SimpleNamespace(containers=[SimpleNamespace(name="nginx")]),
        status=SimpleNamespace(container_statuses=[status]),
    )


@pytest.mark.parametrize(("exit_code", "at"), [(137, 150.0), (0, 0.0), (1, 0.0), (None, 0.0)])
def test_only_an_end_by_a_signal_is_a_kill(exit_code: int | None, at: float):
    assert killed_at(gateway(exit_code)) == at


def test_a_pod_whose_containers_have_no_status_yet_was_not_killed():
    pod = gateway(None)
    pod.status.container_statuses = None
    assert killed_at(pod) == 0.0


def replica(mark: str, *, ready: bool = True) -> Any:
    condition = SimpleNamespace(type="Ready", status=str(ready))
    annotations = {RESTARTED: mark} if mark else None
    return SimpleNamespace(
        metadata=SimpleNamespace(annotations=annotations, deletion_timestamp=None),
        status=SimpleNamespace(conditions=[condition]),
    )


def deployment(mark: str = "", path: str = "/readyz", **annotations: str) -> dict[str, Any]:
    containers = [{"name": "app", "readinessProbe": {"httpGet": {"path": path}}}]
    template = {"metadata": {"annotations": {RESTARTED: mark} if mark else None}, "spec": {"containers": containers}}
    return {"metadata": {"annotations": annotations}, "spec": {"replicas": 2, "template": template}}


@pytest.mark.parametrize(
    ("mark", "pods", "renewed"),
    [
        ("2", [replica("2"), replica("2")], True),
        ("2", [replica("2"), replica("1")], False),
        ("2", [replica("2"), replica("2", ready=False)], False),
        ("2", [replica("2")], False),
        ("2", [replica("2"), replica("2"), replica("")], False),
        ("", [replica(""), replica("")], False),
    ],
    ids=["all", "an old one", "one is not ready", "one is lacking", "one too many", "no restart was asked for"],
)
def test_a_service_is_renewed_when_all_its_replicas_are_of_the_restart(mark: str, pods: list[Any], renewed: bool):
    assert rollouts.is_renewed(deployment(mark), pods) is renewed


def replica_set(path: str, ready: int, owner: str = "items") -> dict[str, Any]:
    return {
        "metadata": {"labels": {"pod-template-hash": path}, "ownerReferences": [{"kind": "Deployment", "name": owner}]},
        "spec": {"template": {"spec": {"containers": [{"readinessProbe": {"httpGet": {"path": path}}}]}}},
        "status": {"replicas": 1, "readyReplicas": ready},
    }


def pod_of(path: str, phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"labels": {"pod-template-hash": path}}, "status": {"phase": phase}}


SETS = "/apis/apps/v1/namespaces/shop/replicasets"
PODS = "/api/v1/namespaces/shop/pods"
ITEMS = "/apis/apps/v1/namespaces/shop/deployments/items"


@pytest.mark.parametrize(
    ("sets", "pods", "stuck"),
    [
        ([replica_set("/readyz", 2), replica_set(NEVER_READY, 0)], [pod_of(NEVER_READY)], True),
        ([replica_set(NEVER_READY, 1)], [pod_of(NEVER_READY)], False),
        ([replica_set(NEVER_READY, 0)], [pod_of(NEVER_READY, "Pending")], False),
        ([replica_set(NEVER_READY, 0, "users")], [pod_of(NEVER_READY)], False),
        ([replica_set("/readyz", 2)], [pod_of("/readyz")], False),
    ],
    ids=["runs unready", "ready after all", "does not run yet", "of another service", "no bad version"],
)
def test_a_bad_version_is_stuck_when_it_runs_and_is_not_ready(
    api: FakeApi, sets: list[Any], pods: list[Any], stuck: bool
):
    api.objects |= {SETS: {"items": sets}, PODS: {"items": pods}}
    assert rollouts.new_version_is_stuck("items", 0, 0) is stuck


@pytest.mark.parametrize(
    ("found", "bad_replicas", "back"),
    [
        (deployment(), 0, True),
        (deployment(), 1, False),
        (deployment(path=NEVER_READY), 0, False),
        (deployment(**{"seatrial.dev/template-before": "{}"}), 0, False),
    ],
    ids=["back", "a bad replica is left", "still the bad template", "still marked"],
)
def test_a_version_is_back_when_nothing_of_the_bad_one_is_left(
    api: FakeApi, found: dict[str, Any], bad_replicas: int, back: bool
):
    bad = replica_set(NEVER_READY, 0) | {"status": {"replicas": bad_replicas}}
    api.objects |= {ITEMS: found, SETS: {"items": [bad]}}
    assert rollouts.former_version_is_back("items", 0) is back


@pytest.mark.parametrize(
    ("before", "published", "fewer", "back"),
    [("3", 2, True, False), ("3", 3, False, False), ("", 2, False, True), ("", 1, False, False)],
    ids=["scaled in", "not yet published so", "scaled back", "not yet published"],
)
def test_replicas_count_when_they_are_published(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, before: str, published: int, fewer: bool, back: bool
):
    marks = {"seatrial.dev/replicas-before": before} if before else {}
    api.objects[ITEMS] = deployment(**marks)
    endpoint = Endpoint("10.0.0.1", "items-1", "worker", True, True, False, (80,))
    monkeypatch.setattr(rollouts, "observe_endpoints", lambda *_: (endpoint,) * published)
    assert rollouts.replicas_are_fewer("items", 0) is fewer
    assert rollouts.replicas_are_back("items", 0) is back
