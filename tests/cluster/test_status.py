"""What runs, as rows: nodes, workloads, endpoints."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.kind import KindCluster
from seatrial.cluster.status import observe_status
from seatrial.errors import EnvironmentFault
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: auth}, {name: users}]\n", "system.yaml")


def node(name: str, *conditions: tuple[str, str]) -> client.V1Node:
    now = "2026-01-01T00:00:00Z"
    unasked = ("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "machineID")
    told = dict.fromkeys((*unasked, "operatingSystem", "osImage", "systemUUID"), "")
    return client.V1Node.model_validate(
        {
            "metadata": {"name": name},
            "status": {
                "conditions": [
                    {"type": kind, "status": status, "lastHeartbeatTime": now} for kind, status in conditions
                ],
                "addresses": [
                    {"type": "Hostname", "address": name},
                    {"type": "InternalIP", "address": "172.18.0.2"},
                ],
                "nodeInfo": {**told, "kubeletVersion": "v1.37.0"},
            },
        }
    )


def deployment(name: str, replicas: int, ready: int | None) -> client.V1Deployment:
    template = {"spec": {"containers": [{"name": "app", "image": f"{name}:1"}, {"name": "side", "image": "side:1"}]}}
    spec = {"replicas": replicas, "selector": {}, "template": template}
    return client.V1Deployment.model_validate(
        {"metadata": {"name": name}, "spec": spec, "status": {"readyReplicas": ready}}
    )


def endpoint_slice(service: str) -> client.V1EndpointSlice:
    endpoints = [
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}, "nodeName": "w", "targetRef": {"name": "b"}},
        {"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "nodeName": "w", "targetRef": {"name": "a"}},
    ]
    return client.V1EndpointSlice.model_validate(
        {"metadata": {"name": service}, "addressType": "IPv4", "endpoints": endpoints, "ports": [{"port": 80}]}
    )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KindCluster:
    """A recorded cluster whose answers are models of the client library."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    recorded = KindCluster("seatrial")
    recorded.folder.mkdir(parents=True)
    recorded.record.write_text(json.dumps({"image": "node:1", "identity": {}}))

    def items(*found: Any) -> Any:
        return lambda *_, **__: SimpleNamespace(items=list(found))

    def slices(namespace: str, label_selector: str) -> Any:
        service = label_selector.removeprefix("kubernetes.io/service-name=")
        return SimpleNamespace(items=[endpoint_slice(service)] if service == "auth" else [])

    connection = SimpleNamespace(
        core=SimpleNamespace(
            list_node=items(node("worker", ("MemoryPressure", "False"), ("Ready", "True")), node("new"))
        ),
        apps=SimpleNamespace(list_namespaced_deployment=items(deployment("auth", 3, 2), deployment("users", 3, None))),
        discovery=SimpleNamespace(list_namespaced_endpoint_slice=slices),
    )
    monkeypatch.setattr(KindCluster, "connect", lambda self: connection)
    return recorded


def test_nodes_workloads_and_endpoints_are_rows(cluster: KindCluster) -> None:
    assert list(observe_status(cluster, SYSTEM)) == [
        (
            "Nodes",
            ("node", "ready", "version", "address"),
            [("worker", "True", "v1.37.0", "172.18.0.2"), ("new", "Unknown", "v1.37.0", "172.18.0.2")],
        ),
        ("Workloads", ("deployment", "ready", "image"), [("auth", "2/3", "auth:1"), ("users", "0/3", "users:1")]),
        (
            "Endpoints",
            ("service", "address", "state", "pod", "node"),
            [("auth", "10.0.0.1", "ready", "a", "w"), ("auth", "10.0.0.2", "not ready", "b", "w")],
        ),
    ]


def test_a_cluster_that_was_not_created_here_is_not_asked(cluster: KindCluster) -> None:
    cluster.record.unlink()
    with pytest.raises(EnvironmentFault, match="no cluster named seatrial was created here; run 'seatrial up'"):
        list(observe_status(cluster, SYSTEM))


def test_an_answer_that_is_a_refusal_is_told(cluster: KindCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: KindCluster) -> Any:
        raise ApiException(status=401, reason="Unauthorized")

    monkeypatch.setattr(KindCluster, "connect", refuse)
    with pytest.raises(EnvironmentFault) as caught:
        list(observe_status(cluster, SYSTEM))
    assert str(caught.value) == "cluster seatrial does not answer: Unauthorized; run 'seatrial up'"
