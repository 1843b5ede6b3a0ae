"""A twin differs from its Service in exactly one thing, and is gone afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.cluster import twin
from seatrial.cluster.twin import sticky_twin, sticky_twins
from seatrial.errors import EnvironmentFault, Failed, GuardRefusal
from seatrial.observe.records import ServicePort, ServiceView
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices:\n  - {name: auth, service: auth-service}\n  - {name: users}\n"
    "tolerances: {propagation_seconds: 0.3}\n",
    "system.yaml",
)
PORTS = (ServicePort("http", 80, "8000", "TCP", 30080), ServicePort("metrics", 9100, "metrics", "TCP"))


def view(name: str) -> ServiceView:
    return ServiceView("shop", name, "10.96.0.7", PORTS, "None", (("app", "auth"), ("tier", "front")))


def test_a_twin_has_the_same_selector_and_ports_and_asks_for_affinity() -> None:
    assert sticky_twin(view("auth")) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "auth-sticky", "namespace": "shop"},
        "spec": {
            "selector": {"app": "auth", "tier": "front"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"},
                {"name": "metrics", "port": 9100, "targetPort": "metrics", "protocol": "TCP"},
            ],
            "sessionAffinity": "ClientIP",
        },
    }


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have every Service exist and every twin have its endpoints; returns what is applied and deleted."""
    noted: list[str] = []

    def note(verb: str) -> Any:
        def act(cluster: object, objects: Sequence[Any]) -> None:
            noted.append(f"{verb} {' '.join(each['metadata']['name'] for each in objects)}")

        return act

    monkeypatch.setattr(twin, "require_owned", lambda cluster: None)
    monkeypatch.setattr(twin.deploy, "apply", note("apply"))
    monkeypatch.setattr(twin.deploy, "delete", note("delete"))
    monkeypatch.setattr(twin, "observe_service", lambda cluster, namespace, name: view(name))
    monkeypatch.setattr(twin, "observe_endpoints", lambda *_: (SimpleNamespace(address="10.0.0.1", ready=True),))
    return noted


WHOLE = ["apply auth-service-sticky users-sticky", "delete auth-service-sticky users-sticky"]


def enter(inside: Any = None) -> dict[str, str]:
    with sticky_twins(None, SYSTEM) as names:  # type: ignore[arg-type]
        if inside:
            raise inside
        return dict(names)


def test_each_service_has_a_twin_while_it_is_asked_for(events: list[str]) -> None:
    assert enter() == {"auth": "auth-service-sticky", "users": "users-sticky"}
    assert events == WHOLE


def test_twins_are_removed_whatever_happens(events: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        enter(KeyboardInterrupt())
    assert events == WHOLE


def test_a_twin_without_the_endpoints_of_its_service_is_told_and_removed(
    events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def endpoints(cluster: object, namespace: str, name: str) -> tuple[Any, ...]:
        return () if name.endswith("-sticky") else (SimpleNamespace(address="10.0.0.1", ready=True),)

    monkeypatch.setattr(twin, "observe_endpoints", endpoints)
    with pytest.raises(Failed, match="auth-service-sticky: the same endpoints as auth-service"):
        enter()
    assert events == WHOLE


def test_a_missing_service_has_no_twin(events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "observe_service", lambda cluster, namespace, name: None)
    with pytest.raises(EnvironmentFault, match="a Service of shop is missing, so that it can have no twin"):
        enter()
    assert events == []


def test_nothing_is_published_on_a_cluster_that_is_not_ours(events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(cluster: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(twin, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        enter()
    assert events == []
