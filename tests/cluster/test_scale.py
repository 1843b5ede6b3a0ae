"""Changing the number of replicas, only where that is allowed, and waiting until all follow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError

from seatrial.cluster import scale
from seatrial.errors import EnvironmentFault, Failed, GuardRefusal
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices:\n  - {name: auth, workload: auth-deployment}\n  - {name: users}\n"
    "tolerances: {rollout_seconds: 1}\n",
    "system.yaml",
)


class Scaled:
    """A cluster as far as it scales: each look finds one pod more or less, and endpoints one look later."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, most: int = 9) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.apps = SimpleNamespace(patch_namespaced_deployment_scale=lambda *what: self.asked.append(what))
        self._pods = self._endpoints = 3
        self._most = most
        monkeypatch.setattr(scale, "observe_pods", self._look_at_pods)
        monkeypatch.setattr(scale, "observe_endpoints", self._look_at_endpoints)
        monkeypatch.setattr(scale, "ready_pods", lambda pods: pods)
        monkeypatch.setattr(scale, "require_owned", lambda cluster: None)

    def _look_at_pods(self, *_: Any) -> tuple[str, ...]:
        wanted = self.asked[0][2]["spec"]["replicas"]
        self._pods += (wanted > self._pods) - (wanted < self._pods)
        return ("pod",) * min(self._pods, self._most)

    def _look_at_endpoints(self, *_: Any) -> tuple[Any, ...]:
        seen, self._endpoints = self._endpoints, self._pods
        self.seen = (self._pods, seen)
        return (SimpleNamespace(ready=False), *(SimpleNamespace(ready=True),) * min(seen, self._most))


@pytest.mark.parametrize("number", [5, 2])
def test_it_waits_until_replicas_and_endpoints_are_that_many(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    cluster = Scaled(monkeypatch)
    scale.scale(cluster, SYSTEM, {"auth": number})  # type: ignore[arg-type]
    assert cluster.asked == [("auth-deployment", "shop", {"spec": {"replicas": number}})]
    assert cluster.seen == (number, number)


def test_all_are_asked_before_any_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Scaled(monkeypatch)
    scale.set_replicas(cluster, SYSTEM, {"auth": 4, "users": 2})  # type: ignore[arg-type]
    assert [(name, body["spec"]["replicas"]) for name, _, body in cluster.asked] == [
        ("auth-deployment", 4),
        ("users", 2),
    ]


def test_numbers_that_do_not_come_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failed) as caught:
        scale.scale(Scaled(monkeypatch, most=4), SYSTEM, {"auth": 6})  # type: ignore[arg-type]
    told = str(caught.value).splitlines()
    assert told[0] == "auth: ready replicas and endpoints after scaling to 6"
    assert told[2] == "  observed  (4, 4)"


def test_a_cluster_that_is_not_ours_is_not_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Scaled(monkeypatch)

    def refuse(cluster: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(scale, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        scale.scale(cluster, SYSTEM, {"auth": 1})  # type: ignore[arg-type]
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ApiException(status=404, reason="Not Found"), "404 Not Found"),
        (MaxRetryError(None, "/apis", reason="connection refused"), "connection refused"),  # type: ignore[arg-type]
    ],
)
def test_a_deployment_that_cannot_be_scaled_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    cluster = Scaled(monkeypatch)

    def refuse(*_: Any) -> None:
        raise error

    cluster.apps = SimpleNamespace(patch_namespaced_deployment_scale=refuse)
    with pytest.raises(EnvironmentFault) as caught:
        scale.set_replicas(cluster, SYSTEM, {"auth": 4})  # type: ignore[arg-type]
    assert str(caught.value) == f"Deployment shop/auth-deployment cannot be scaled: {why}"
