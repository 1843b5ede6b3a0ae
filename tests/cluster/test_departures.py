"""Pods on their way out are waited for, and named when they stay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.departures import await_departures
from seatrial.errors import EnvironmentFault


def cluster(*looks: dict[str, str | None]) -> Any:
    """A cluster that shows these pods, each with the time of its deletion; the last look is repeated."""
    left = list(looks)

    def show(namespace: str) -> Any:
        pods = left.pop(0) if len(left) > 1 else left[0]
        items = [
            SimpleNamespace(metadata=SimpleNamespace(name=name, deletion_timestamp=at)) for name, at in pods.items()
        ]
        return SimpleNamespace(items=items)

    return SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=show))


def test_it_ends_when_the_last_one_is_gone():
    await_departures(cluster({"a": "now", "b": None}, {"a": "now"}, {"b": None}), "shop", within_seconds=5)


def test_who_stays_is_named():
    with pytest.raises(EnvironmentFault) as caught:
        await_departures(cluster({"b": "now", "a": "now", "c": None}), "shop", within_seconds=0)
    told = str(caught.value)
    assert "pods of shop on their way out" in told
    assert "['a', 'b']" in told
    assert "kubectl get events --namespace=shop" in told


def test_a_refusal_is_told():
    def refuse(namespace: str) -> Any:
        raise ApiException(status=403, reason="Forbidden")

    there: Any = SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=refuse))
    with pytest.raises(EnvironmentFault, match="the pods of shop cannot be read: 403 Forbidden"):
        await_departures(there, "shop", within_seconds=0)
