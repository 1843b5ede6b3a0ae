"""Names that are asked for while something happens: all of them, on every node, until nobody wants to know any more."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import names
from seatrial.observe.names import Questions, absolute_names, urls_by_address
from seatrial.observe.records import DnsAnswer, DnsRecord, ServiceView
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: items}, {name: users, port: 8080}]\n", "s.yaml")


class Node:
    """Answers at once, and tells when it has been asked three times."""

    def __init__(self, node: str, rcode: str = "NOERROR", *, lost: bool = False) -> None:
        self.node, self.rcode, self.lost = node, rcode, lost
        self.asked: list[str] = []
        self.enough = threading.Event()

    def resolve(self, name: str, *, timeout_seconds: float) -> DnsAnswer:
        self.asked.append(name)
        if len(self.asked) >= 3 or self.lost:
            self.enough.set()
        if self.lost:
            raise EnvironmentFault(f"vantage on node {self.node}: no answer")
        found = (DnsRecord(name, "A", 30, "10.96.0.5"),) if self.rcode == "NOERROR" else ()
        return DnsAnswer(self.node, name, name, "A", self.rcode, found, 0.25)


def test_every_name_is_asked_for_on_every_node_until_the_end():
    nodes: list[Any] = [Node("worker"), Node("worker2", "NXDOMAIN")]
    with Questions(nodes, ["items.", "users."], pace_seconds=0.001) as questions:
        assert all(node.enough.wait(5) for node in nodes)
        asked = questions.stop()
    assert {(each.node, each.name, each.rcode, each.answered) for each in asked} == {
        ("worker", "items.", "NOERROR", True),
        ("worker", "users.", "NOERROR", True),
        ("worker2", "items.", "NXDOMAIN", False),
        ("worker2", "users.", "NXDOMAIN", False),
    }
    assert [each.at for each in asked] == sorted(each.at for each in asked)
    assert asked[0].ended == asked[0].at + 0.25
    assert questions.stop() == asked


def test_an_agent_that_is_lost_is_told_and_no_answer_of_the_name_servers():
    node: Any = Node("worker", lost=True)
    with Questions([node], ["items."], pace_seconds=0.001) as questions:
        assert node.enough.wait(5)
    with pytest.raises(EnvironmentFault, match="vantage on node worker: no answer"):
        questions.stop()


def test_names_are_absolute():
    assert absolute_names(SYSTEM) == ["items.shop.svc.cluster.local.", "users.shop.svc.cluster.local."]


def published(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    view = ServiceView("shop", "x", address, (), "None", ()) if address else None
    monkeypatch.setattr(names, "observe_service", lambda cluster, namespace, name: view)


@pytest.mark.parametrize(("address", "host"), [("10.96.0.5", "10.96.0.5"), ("fd00::5", "[fd00::5]")])
def test_a_service_is_called_by_its_address(monkeypatch: pytest.MonkeyPatch, address: str, host: str):
    published(monkeypatch, address)
    cluster: Any = None
    assert urls_by_address(cluster, SYSTEM) == {
        "items": f"http://{host}:80/whoami",
        "users": f"http://{host}:8080/whoami",
    }


@pytest.mark.parametrize("address", [None, "None"])
def test_a_service_without_an_address_is_told(monkeypatch: pytest.MonkeyPatch, address: str | None):
    published(monkeypatch, address)
    cluster: Any = None
    with pytest.raises(EnvironmentFault, match="Service shop/items has no address of its own"):
        urls_by_address(cluster, SYSTEM)
