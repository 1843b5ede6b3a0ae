"""What stands between callers and replicas, found by what is declared and deployed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe import proxies
from seatrial.observe.proxies import observe_gateways, observe_node_proxies, observe_workers
from seatrial.observe.records import Endpoint
from seatrial.paths import ROOT
from seatrial.system_file import load_system, parse_system


def pod(name: str, node: str = "worker") -> Any:
    metadata = SimpleNamespace(name=name, namespace="lead-platform", uid=name, deletion_timestamp=None)
    metadata.labels, metadata.annotations = {}, {}
    metadata.creation_timestamp = SimpleNamespace(timestamp=lambda: 1.0)
    status = SimpleNamespace(container_statuses=(), conditions=(), pod_ip="10.0.0.1", phase="Running")
    spec = SimpleNamespace(containers=[SimpleNamespace(name="app")], node_name=node, service_account_name="x")
    return SimpleNamespace(metadata=metadata, status=status, spec=spec)


def cluster(pods: list[Any], nodes: list[str] | None = None, selectors: list[str] | None = None) -> Any:
    def list_pods(namespace: str, label_selector: str) -> Any:
        (selectors if selectors is not None else []).append(f"{namespace} {label_selector}")
        return SimpleNamespace(items=pods)

    def list_nodes(label_selector: str) -> Any:
        (selectors if selectors is not None else []).append(label_selector)
        return SimpleNamespace(items=[SimpleNamespace(metadata=SimpleNamespace(name=name)) for name in nodes or ()])

    return SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=list_pods, list_node=list_nodes))


def test_the_gateways_are_the_pods_behind_the_declared_service(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    named = (Endpoint("10.0.0.1", "gateway-2", "w", True, True, False, ()),) * 1
    monkeypatch.setattr(proxies, "observe_endpoints", lambda _, namespace, name: asked.append(name) or named)
    found = observe_gateways(cluster([pod("leads-1"), pod("gateway-2")]), load_system(ROOT / "system.yaml"))
    assert ([each.name for each in found], asked) == (["gateway-2"], ["gateway"])


def test_a_system_without_a_gateway_is_told():
    bare = parse_system("name: shop\nnamespace: shop\nservices: [{name: items}]\n", "system.yaml")
    with pytest.raises(EnvironmentFault, match="shop declares no gateway; declare 'gateway'"):
        observe_gateways(cluster([]), bare)


def test_workers_have_a_proxy_and_are_no_part_of_the_control_plane():
    selectors: list[str] = []
    there = cluster([pod("proxy-1"), pod("proxy-2", "control-plane")], ["worker", "worker2"], selectors)
    assert observe_workers(there) == ("worker",)
    assert selectors == ["!node-role.kubernetes.io/control-plane", "kube-system k8s-app=kube-proxy"]


def test_a_refusal_is_told_with_what_was_asked_for():
    def refuse(namespace: str, label_selector: str) -> Any:
        raise ApiException(status=403, reason="Forbidden")

    there: Any = SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=refuse))
    with pytest.raises(EnvironmentFault) as caught:
        observe_node_proxies(there)
    assert str(caught.value) == "the pods of kube-system k8s-app=kube-proxy cannot be read: 403 Forbidden"
