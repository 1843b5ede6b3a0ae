"""What the API server says, read from models of its own client library."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import (
    endpoints_of,
    observe_endpoints,
    observe_pods,
    observe_service,
    observe_workload,
    pod_view,
    ready_pods,
)
from seatrial.observe.records import Endpoint, PodView, Probe, ServicePort, ServiceView


def pod(name: str = "auth-1", **changes: Any) -> client.V1Pod:
    """A pod that runs and is ready; ``changes`` replaces fields of its status, or ``deletionTimestamp``."""
    metadata = {
        "annotations": changes.pop("annotations", None),
        "labels": changes.pop("labels", None),
        "name": name,
        "namespace": "shop",
        "uid": f"uid of {name}",
        "creationTimestamp": "1970-01-01T00:01:40Z",
        "deletionTimestamp": changes.pop("deletionTimestamp", None),
    }
    container = {"name": "auth", "ready": True, "restartCount": 2, "image": "", "imageID": ""}
    status = {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:01:50Z"},
        ],
        "containerStatuses": [
            {**container, "containerID": "containerd://abc"},
            {**container, "name": "side", "restartCount": 9, "containerID": "containerd://def"},
        ],
    }
    names = changes.pop("containers", ("auth", "side"))
    spec = {"nodeName": "worker", "containers": [{"name": each} for each in names]}
    spec |= {"serviceAccountName": changes.pop("account", None)}
    return client.V1Pod.model_validate({"metadata": metadata, "spec": spec, "status": status | changes})


def test_a_pod_is_told_by_its_first_container_and_its_readiness() -> None:
    assert pod_view(pod()) == PodView(
        namespace="shop",
        name="auth-1",
        uid="uid of auth-1",
        ip="10.0.0.1",
        node="worker",
        phase="Running",
        ready=True,
        terminating=False,
        restarts=2,
        container="auth",
        container_id="abc",
        created=100.0,
        ready_since=110.0,
    )


def test_a_pod_is_told_with_its_template_and_with_the_end_of_its_last_life() -> None:
    terminated = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    status = {"ready": True, "restartCount": 1, "image": "", "imageID": ""}
    listed = [{**status, "name": "auth", "lastState": terminated}, {**status, "name": "side"}]
    view = pod_view(pod(labels={"pod-template-hash": "7d9"}, containerStatuses=listed))
    assert (view.template, view.ended) == ("7d9", "OOMKilled")
    assert (pod_view(pod()).template, pod_view(pod()).ended) == ("", "")


@pytest.mark.parametrize(("account", "told"), [("people", "people"), (None, "")])
def test_a_pod_is_told_with_its_service_account(account: str | None, told: str) -> None:
    assert pod_view(pod(account=account)).service_account == told


@pytest.mark.parametrize("beside", ["istio-proxy", "vantage"])
def test_the_application_is_told_apart_whatever_the_order_of_the_statuses(beside: str) -> None:
    status = {"ready": True, "image": "", "imageID": ""}
    listed = [
        {**status, "name": beside, "restartCount": 9, "containerID": "containerd://def"},
        {**status, "name": "auth", "restartCount": 2, "containerID": "containerd://abc"},
    ]
    view = pod_view(pod(containers=("auth", beside), containerStatuses=listed))
    assert (view.container, view.container_id, view.restarts) == ("auth", "abc", 2)


def test_an_application_that_waits_is_not_taken_for_the_container_beside_it() -> None:
    listed = [{"name": "side", "ready": True, "restartCount": 9, "image": "", "imageID": "", "containerID": "x://def"}]
    view = pod_view(pod(containerStatuses=listed))
    assert (view.container, view.container_id, view.restarts) == ("auth", "", 0)


@pytest.mark.parametrize(
    ("annotated", "told"), [("side", "side"), ("auth", "auth"), ("gone", "istio-proxy"), (None, "istio-proxy")]
)
def test_the_application_is_the_container_that_kubectl_asks_by_default(annotated: str | None, told: str) -> None:
    annotations = {"kubectl.kubernetes.io/default-container": annotated} if annotated else None
    assert pod_view(pod(containers=("istio-proxy", "auth", "side"), annotations=annotations)).container == told


def test_a_pod_that_has_just_been_made_is_nothing_yet() -> None:
    new = pod_view(pod(phase="Pending", podIP=None, conditions=None, containerStatuses=None))
    assert (new.ip, new.ready, new.restarts, new.container_id, new.ready_since) == ("", False, 0, "", 0.0)


@pytest.mark.parametrize(
    ("changes", "gets_traffic"),
    [
        ({}, True),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
        ({"conditions": [{"type": "ContainersReady", "status": "True"}]}, False),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_only_pods_that_are_ready_and_stay_should_get_traffic(changes: dict[str, Any], gets_traffic: bool) -> None:
    view = pod_view(pod(**changes))
    assert ready_pods([view]) == ((view,) if gets_traffic else ())


def test_a_container_that_waits_has_no_id() -> None:
    waiting = {"name": "auth", "ready": False, "restartCount": 1, "image": "", "imageID": ""}
    assert pod_view(pod(containerStatuses=[waiting])).container_id == ""


def endpoint_slice(*endpoints: dict[str, Any], name: str = "auth-x", ports: Any = ({"port": 8000},)) -> Any:
    return client.V1EndpointSlice.model_validate(
        {"metadata": {"name": name}, "addressType": "IPv4", "endpoints": list(endpoints), "ports": ports}
    )


@pytest.mark.parametrize(
    ("conditions", "ready", "serving", "terminating"),
    [
        (None, True, True, False),
        ({}, True, True, False),
        ({"ready": True, "serving": True, "terminating": False}, True, True, False),
        ({"ready": False, "serving": True, "terminating": True}, False, True, True),
        ({"ready": False, "serving": False}, False, False, False),
    ],
)
def test_a_condition_that_is_not_given_means_ready(
    conditions: dict[str, bool] | None, ready: bool, serving: bool, terminating: bool
) -> None:
    (found,) = endpoints_of(endpoint_slice({"addresses": ["10.0.0.1"], "conditions": conditions}))
    assert (found.ready, found.serving, found.terminating) == (ready, serving, terminating)
    assert (found.pod, found.node) == ("", "")


def test_a_slice_without_endpoints_or_ports_has_none() -> None:
    assert endpoints_of(endpoint_slice()) == ()
    (found,) = endpoints_of(endpoint_slice({"addresses": ["10.0.0.1"]}, ports=None))
    assert found.ports == ()


def listing(*items: Any) -> Any:
    return SimpleNamespace(items=list(items))


def test_the_endpoints_of_all_slices_are_joined_in_order_of_address() -> None:
    asked: list[Any] = []

    def slices(namespace: str, label_selector: str) -> Any:
        asked.append((namespace, label_selector))
        second = {"addresses": ["10.0.0.2"], "nodeName": "worker", "targetRef": {"kind": "Pod", "name": "auth-2"}}
        return listing(endpoint_slice(second), endpoint_slice({"addresses": ["10.0.0.1"]}, name="auth-y"))

    cluster = SimpleNamespace(discovery=SimpleNamespace(list_namespaced_endpoint_slice=slices))
    first, second = observe_endpoints(cluster, "shop", "auth")  # type: ignore[arg-type]
    assert asked == [("shop", "kubernetes.io/service-name=auth")]
    assert (first.address, second) == (
        "10.0.0.1",
        Endpoint("10.0.0.2", "auth-2", "worker", True, True, False, (8000,)),
    )


def service(**spec: Any) -> Any:
    return lambda name, namespace: client.V1Service.model_validate({"metadata": {"name": name}, "spec": spec})


def observed(read: Any) -> ServiceView | None:
    cluster = SimpleNamespace(core=SimpleNamespace(read_namespaced_service=read))
    return observe_service(cluster, "shop", "auth")  # type: ignore[arg-type]


def test_a_service_is_told_with_what_a_trial_asks_about() -> None:
    ports = [
        {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "nodePort": 30080},
        {"port": 53, "targetPort": 5353, "protocol": "UDP"},
    ]
    spec = {"clusterIP": "10.96.0.7", "ports": ports, "sessionAffinity": "ClientIP", "selector": {"b": "2", "a": "1"}}
    view = observed(service(**spec))
    assert view == ServiceView(
        "shop",
        "auth",
        "10.96.0.7",
        (ServicePort("http", 80, "http", "TCP", 30080), ServicePort("", 53, "5353", "UDP")),
        "ClientIP",
        (("a", "1"), ("b", "2")),
    )
    assert not view.headless


def test_a_headless_service_is_told_as_such() -> None:
    view = observed(service(clusterIP="None"))
    assert view is not None
    assert view.headless
    assert (view.ports, view.session_affinity, view.selector) == ((), "None", ())


def raising(error: Exception) -> Any:
    def answer(*_: Any, **__: Any) -> Any:
        raise error

    return answer


REFUSED = MaxRetryError(
    None,  # type: ignore[arg-type]
    "/api",
    NewConnectionError(SimpleNamespace(host="127.0.0.1", port=1), "Connection refused"),  # type: ignore[arg-type]
)
SILENT = ReadTimeoutError(None, "/api", "Read timed out")  # type: ignore[arg-type]


def test_a_service_that_is_not_there_is_none() -> None:
    assert observed(raising(ApiException(status=404, reason="Not Found"))) is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ApiException(status=403, reason="Forbidden"), "403 Forbidden"),
        (REFUSED, "Connection refused"),
        (SILENT, "Read timed out"),
    ],
    ids=["refuses", "is down", "is silent"],
)
def test_an_api_server_that_does_not_tell_is_the_environments_fault(error: Exception, why: str) -> None:
    api = SimpleNamespace(
        read_namespaced_service=raising(error),
        read_namespaced_deployment=raising(error),
        list_namespaced_endpoint_slice=raising(error),
    )
    cluster: Any = SimpleNamespace(core=api, apps=api, discovery=api)
    looks = {
        "Service shop/auth": observe_service,
        "EndpointSlices of shop/auth": observe_endpoints,
        "replicas of Deployment shop/auth": observe_pods,
        "Deployment shop/auth": observe_workload,
    }
    for what, look in looks.items():
        with pytest.raises(EnvironmentFault) as caught:
            look(cluster, "shop", "auth")
        assert str(caught.value).startswith(f"{what} cannot be read: ")
        assert str(caught.value).endswith(why)


def deployment(container: dict[str, Any], **changes: Any) -> Any:
    spec = {"selector": {"matchLabels": {"b": "2", "a": "1"}}, "template": {"spec": {"containers": [container]}}}
    document = {"metadata": {"name": "auth"}, "spec": spec | changes, "status": {"availableReplicas": 2}}
    return lambda name, namespace: client.V1Deployment.model_validate(document)


def test_replicas_are_found_by_the_selector_of_their_deployment_in_order_of_name() -> None:
    asked: list[str] = []

    def pods(namespace: str, label_selector: str) -> Any:
        asked.append(label_selector)
        return listing(pod("auth-2"), pod("auth-1"))

    cluster: Any = SimpleNamespace(
        apps=SimpleNamespace(read_namespaced_deployment=deployment({"name": "auth"})),
        core=SimpleNamespace(list_namespaced_pod=pods),
    )
    assert [each.name for each in observe_pods(cluster, "shop", "auth")] == ["auth-1", "auth-2"]
    assert asked == ["a=1,b=2"]


def test_probes_are_told_with_the_defaults_of_the_api() -> None:
    container = {
        "name": "auth",
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 80}, "periodSeconds": 1, "failureThreshold": 2},
        "startupProbe": {"tcpSocket": {"port": 80}, "timeoutSeconds": 4},
    }
    cluster: Any = SimpleNamespace(apps=SimpleNamespace(read_namespaced_deployment=deployment(container, replicas=3)))
    workload = observe_workload(cluster, "shop", "auth")
    assert (workload.name, workload.replicas, workload.available) == ("auth", 3, 2)
    assert workload.probes == (Probe("readiness", "/readyz", 1, 1, 2), Probe("startup", "", 10, 4, 3))
    assert workload.probe("liveness") is None
