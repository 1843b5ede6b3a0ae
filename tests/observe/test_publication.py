"""The other version of a service that a route's split leads to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.observe import publication
from seatrial.observe.publication import other_version
from seatrial.system_file import parse_system
from seatrial.system_gateway import Route, Split

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: items}]\n", "s")
CLUSTER: Any = None


def test_the_other_version_is_the_ready_endpoints_of_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def endpoints(cluster: object, namespace: str, service: str) -> list[Any]:
        asked.append((namespace, service))
        return [SimpleNamespace(pod=f"next-{letter}", ready=letter != "c") for letter in "abc"]

    monkeypatch.setattr(publication, "observe_endpoints", endpoints)
    route = Route(path="/items", service="items", split=Split(service="items-next", percent=5))
    assert other_version(CLUSTER, SYSTEM, route) == {"next-a", "next-b"}
    assert asked == [("shop", "items-next")]


def test_a_route_without_a_split_has_no_other_version() -> None:
    assert other_version(CLUSTER, SYSTEM, Route(path="/items", service="items")) == frozenset()
