"""One declared call, made by the agents beside its caller, or by the caller itself when it is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.observe import edge_calls
from seatrial.observe.edge_calls import call_along, edge_of
from seatrial.observe.records import Request, Traffic
from seatrial.observe.vantage import Answer
from seatrial.system import System
from seatrial.system_file import parse_system

CLUSTER: Any = None


def described(beside: bool) -> System:
    return parse_system(
        f"name: shop\nnamespace: shop\nvantage_beside: {str(beside).lower()}\n"
        "services: [{name: items}, {name: users}]\n"
        "edges: [{caller: users, callee: items, request: {path: /v1/users/1}}]\n",
        "system.yaml",
    )


def test_no_such_call_is_none():
    assert edge_of(described(True), "items", "users") is None


def test_agents_beside_the_caller_call_the_callee_and_share_the_number(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, int]] = []

    def requests(url: str, *, count: int, concurrency: int, timeout_seconds: float) -> Traffic:
        asked.append((url, count))
        return Traffic("worker", url, True, (Request(0, 0, 0.1, 200, "items-1", ""),) * count)

    agents = [SimpleNamespace(requests=requests)] * 2
    monkeypatch.setattr(edge_calls, "vantages_beside", lambda cluster, namespace, workload: agents)
    system, edge = described(True), edge_of(described(True))
    assert edge is not None
    assert len(call_along(CLUSTER, system, edge, 5)) == 6
    assert asked == [("http://items.shop.svc.cluster.local.:80/whoami", 3)] * 2


def test_where_no_agents_stand_beside_the_caller_it_is_asked_itself(monkeypatch: pytest.MonkeyPatch):
    calls: list[str] = []

    def call(method: str, url: str, **_: Any) -> Answer:
        calls.append(f"{method} {url}")
        return Answer("worker", url, 502, {}, "", "")

    monkeypatch.setattr(edge_calls, "vantages", lambda cluster, namespace: [SimpleNamespace(call=call)])
    system, edge = described(False), edge_of(described(False))
    assert edge is not None
    made = call_along(CLUSTER, system, edge, 2)
    assert calls == ["GET http://users.shop.svc.cluster.local.:80/v1/users/1"] * 2
    assert [(each.status, each.ok) for each in made] == [(502, False)] * 2
