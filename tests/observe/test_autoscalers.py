"""Autoscalers, and what replicas use and asked for, as the API server says it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe import autoscalers, usage
from seatrial.observe.autoscalers import (
    Autoscaler,
    Condition,
    autoscaler_view,
    await_computing,
    observe_autoscalers,
)
from seatrial.observe.usage import Usage, await_usage, observe_asked, observe_usage


def item(spec: dict[str, Any] | None = None, conditions: list[dict[str, str]] | None = None) -> Any:
    whole = {"maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "auth-front"}} | (spec or {})
    document: dict[str, Any] = {"metadata": {"name": "auth"}, "spec": whole}
    if conditions is not None:
        document["status"] = {"conditions": conditions, "desiredReplicas": 2}
    return client.V2HorizontalPodAutoscaler.model_validate(document)


def target(name: str, percent: int) -> dict[str, Any]:
    return {
        "type": "Resource",
        "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def test_an_autoscaler_is_told_with_its_bounds_targets_window_and_words():
    given = item(
        {
            "minReplicas": 2,
            "metrics": [target("cpu", 70), target("memory", 85)],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 45}},
        },
        [{"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "fine"}],
    )
    active = Condition("ScalingActive", True, "ValidMetricFound", "fine")
    found = autoscaler_view(given)
    assert found == Autoscaler("auth", "Deployment", "auth-front", 2, 10, {"cpu": 70, "memory": 85}, 45, (active,))
    assert found.condition("ScalingActive") is found.conditions[0]
    assert found.condition("ScalingLimited") is None


@pytest.mark.parametrize("behavior", [None, {}, {"scaleDown": {}}, {"scaleUp": {"selectPolicy": "Max"}}])
def test_what_is_left_out_is_as_kubernetes_has_it(behavior: dict[str, Any] | None):
    found = autoscaler_view(item({"behavior": behavior}))
    assert (found.min_replicas, found.window_seconds, found.utilization, found.conditions) == (1, 300, {}, ())


def test_a_window_of_nought_is_one():
    assert autoscaler_view(item({"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}})).window_seconds == 0


def test_targets_that_are_no_percentages_of_a_resource_are_left_out():
    value = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}},
    }
    pods = {"type": "Pods", "pods": {"metric": {"name": "x"}, "target": {"type": "AverageValue", "averageValue": "1"}}}
    assert autoscaler_view(item({"metrics": [value, pods, target("cpu", 50)]})).utilization == {"cpu": 50}


def test_autoscalers_that_cannot_be_listed_are_the_environments_fault():
    def refuse(namespace: str) -> Any:
        raise ApiException(status=403, reason="Forbidden")

    api = SimpleNamespace(list_namespaced_horizontal_pod_autoscaler=refuse)
    with pytest.raises(EnvironmentFault) as caught:
        observe_autoscalers(SimpleNamespace(autoscaling=api), "shop")  # type: ignore[arg-type]
    assert str(caught.value) == "HorizontalPodAutoscalers of shop cannot be read: 403 Forbidden"


class Metrics:
    """A cluster whose metrics API gives these answers in turn, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def http(self, **_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._handle), base_url="https://api")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def used(*pods: str) -> httpx.Response:
    containers = [
        {"name": "app", "usage": {"cpu": "4118291n", "memory": "61440Ki"}},
        {"name": "vantage", "usage": {"cpu": "1m", "memory": "8Mi"}},
    ]
    return httpx.Response(
        200, json={"items": [{"metadata": {"name": each}, "containers": containers} for each in pods]}
    )


def test_what_each_container_uses_is_read_in_cores_and_bytes():
    cluster: Any = Metrics(used("auth-1"))
    found = observe_usage(cluster, "shop")
    assert cluster.asked == ["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"]
    assert found.pods["auth-1"]["app"] == {"cpu": pytest.approx(0.004118291), "memory": 61440 * 1024}
    assert found.of("auth-1", "cpu") == pytest.approx(0.005118291)
    assert found.error == ""


def test_a_metrics_api_that_refuses_is_data():
    cluster: Any = Metrics(httpx.Response(503, text="service\n unavailable"))
    assert observe_usage(cluster, "shop") == Usage(error="HTTP 503 service unavailable")


def test_an_api_server_that_does_not_answer_is_the_environments_fault():
    cluster: Any = Metrics(httpx.ConnectError("refused"))
    with pytest.raises(EnvironmentFault, match="the API server does not answer: ConnectError"):
        observe_usage(cluster, "shop")


def test_it_waits_until_every_replica_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage, "POLL_SECONDS", 0.0)
    cluster: Any = Metrics(httpx.Response(503), used("a"), used("a", "b", "c"))
    assert set(await_usage(cluster, "shop", ["a", "b"], within_seconds=5).pods) == {"a", "b", "c"}
    assert len(cluster.asked) == 3


def test_what_does_not_become_known_is_returned_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage, "POLL_SECONDS", 0.01)
    cluster: Any = Metrics(used("a"))
    assert set(await_usage(cluster, "shop", ["a", "b"], within_seconds=0.05).pods) == {"a"}


def test_what_containers_ask_for_is_read_also_of_those_that_run_beside(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage, "pod_selector", lambda *_: "app=auth")
    spec = {
        "initContainers": [
            {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
            {"name": "set-up", "resources": {"requests": {"cpu": "2"}}},
        ],
        "containers": [{"name": "app", "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}}}, {"name": "bare"}],
    }
    pods = [
        client.V1Pod.model_validate({"metadata": {"name": "auth-1"}, "spec": spec}),
        client.V1Pod.model_validate(
            {"metadata": {"name": "auth-2", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": spec}
        ),
    ]
    api = SimpleNamespace(list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=pods))
    found = observe_asked(SimpleNamespace(core=api), "shop", "auth")  # type: ignore[arg-type]
    assert found == {
        "auth-1": {"proxy": {"cpu": 0.1}, "app": {"cpu": 0.05, "memory": 96 * 1024 * 1024}, "bare": {}},
    }


@pytest.mark.parametrize(("looks", "left"), [([False, True], 0), ([False], 1)], ids=["in time", "never"])
def test_autoscalers_are_given_time_to_know_new_replicas(
    looks: list[bool], left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = list(looks)

    def observe(cluster: Any, namespace: str) -> tuple[Autoscaler, ...]:
        holds = shown.pop(0) if len(shown) > 1 else shown[0]
        condition = Condition("ScalingActive", holds, "ValidMetricFound" if holds else "FailedGetResourceMetric", "")
        return (Autoscaler("leads", "Deployment", "leads", 2, 10, {"cpu": 70}, 45, (condition,)),)

    monkeypatch.setattr(autoscalers, "observe_autoscalers", observe)
    monkeypatch.setattr(autoscalers, "EVERY_SECONDS", 0.01)
    nowhere: Any = None
    found = await_computing(nowhere, "shop", within_seconds=0.1)
    assert [each.computes for each in found].count(False) == left
