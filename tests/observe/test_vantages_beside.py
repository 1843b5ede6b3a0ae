"""Agents that stand beside replicas: which of them are used, and what is told when there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe.vantage import vantages_beside


def replica(name: str, *containers: str, ready: str = "True", leaving: bool = False) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, deletion_timestamp="now" if leaving else None),
        spec=SimpleNamespace(
            node_name=f"node of {name}", containers=[SimpleNamespace(name=each) for each in containers]
        ),
        status=SimpleNamespace(conditions=[SimpleNamespace(type="Ready", status=ready)]),
    )


def cluster_of(*pods: Any, error: Exception | None = None) -> tuple[Any, list[Any]]:
    asked: list[Any] = []

    def deployment(name: str, namespace: str) -> Any:
        asked.append((namespace, name))
        if error:
            raise error
        return SimpleNamespace(spec=SimpleNamespace(selector=SimpleNamespace(match_labels={"b": "2", "a": "1"})))

    def listed(namespace: str, label_selector: str, **_: Any) -> Any:
        asked.append(label_selector)
        return SimpleNamespace(items=list(pods))

    apps, core = SimpleNamespace(read_namespaced_deployment=deployment), SimpleNamespace(list_namespaced_pod=listed)
    return SimpleNamespace(apps=apps, core=core, http=lambda **_: httpx.Client()), asked


def test_every_ready_replica_with_an_agent_has_a_vantage_in_order_of_name():
    cluster, asked = cluster_of(
        replica("users-2", "istio-proxy", "service", "vantage"),
        replica("users-1", "service", "vantage"),
        replica("users-0", "service"),
        replica("users-3", "service", "vantage", ready="False"),
        replica("users-4", "service", "vantage", leaving=True),
    )
    found = vantages_beside(cluster, "shop", "users")
    assert [(each.pod, each.node) for each in found] == [("users-1", "node of users-1"), ("users-2", "node of users-2")]
    assert asked == [("shop", "users"), "a=1,b=2"]


@pytest.mark.parametrize("pods", [(), (replica("users-0", "service"),)])
def test_a_workload_without_any_is_told_with_what_to_do(pods: tuple[Any, ...]):
    with pytest.raises(EnvironmentFault) as caught:
        vantages_beside(cluster_of(*pods)[0], "shop", "users")
    assert str(caught.value) == (
        "Deployment shop/users: no ready replica has a container 'vantage' beside the application; "
        "lay manifests/components/vantage-beside over it, or leave out vantage_beside in system.yaml"
    )


def test_a_workload_that_cannot_be_read_is_told():
    cluster, _ = cluster_of(error=ApiException(status=404, reason="Not Found"))
    with pytest.raises(EnvironmentFault, match="replicas of Deployment shop/users cannot be read: 404 Not Found"):
        vantages_beside(cluster, "shop", "users")
