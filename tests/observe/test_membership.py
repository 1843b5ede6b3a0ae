"""How names and traffic follow a replica that comes or goes, node by node."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from seatrial.observe import membership
from seatrial.observe.membership import Membership, follow
from seatrial.observe.records import DnsAnswer, DnsRecord, PodView, Request, Traffic
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: auth, headless: auth-headless}, {name: users}]\n"
    "tolerances: {propagation_seconds: 6, settle_seconds: 3, dns_seconds: 40}\n",
    "system.yaml",
)
POD = PodView("shop", "auth-1", "u", "10.0.0.1", "worker", "Running", True, False, 0, "app", "abc", 0.0, 0.0)
PODS = {"auth": POD, "users": POD}


class Node:
    """A vantage whose name server gives these answers in turn, and the last one for ever.

    Each is a code, or addresses.
    """

    def __init__(self, node: str, *answers: str) -> None:
        self.node = node
        self.asked: list[str] = []
        self._answers = list(answers)

    def resolve(self, name: str) -> DnsAnswer:
        self.asked.append(name)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer.isupper():
            return DnsAnswer(self.node, name, name, "A", answer, (), 0.0)
        records = tuple(DnsRecord(name, "A", 30, address) for address in answer.split())
        return DnsAnswer(self.node, name, name, "A", "NOERROR", records, 0.0)


class Fake:
    """A flow in which time passes at once: five looks fit in any bound."""

    system, services, cluster = SYSTEM, SYSTEM.services, None

    def __init__(self) -> None:
        self.observed: list[float] = []

    def observe(self, seconds: float) -> None:
        self.observed.append(round(seconds, 1))

    def observe_until(self, is_over: Callable[[], bool], *, within_seconds: float) -> bool:
        self.bound = within_seconds
        return any(is_over() for _ in range(5))

    def stop(self) -> Mapping[str, Traffic]:
        return {service.name: Traffic("a+b", service.name, True, ()) for service in SYSTEM.services}


@pytest.fixture(autouse=True)
def converged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have the proxies follow at once; returns what was waited for."""
    waited: list[Any] = []
    monkeypatch.setattr(membership, "await_convergence", lambda *what: waited.append(what))
    monkeypatch.setattr(membership, "observe_replicas", lambda cluster, system, service: (POD,))
    return waited


def followed(*nodes: Node, present: bool, flow: Fake | None = None) -> dict[str, bool]:
    """Return for each node whether its names followed."""
    auth, users = follow(flow or Fake(), nodes, PODS, time.time(), present=present)  # type: ignore[arg-type]
    assert users.named == {}
    return {node: seconds is not None for node, seconds in auth.named.items()}


def test_each_node_is_asked_until_it_follows_and_no_longer() -> None:
    fast, slow = Node("fast", "10.0.0.9 10.0.0.1"), Node("slow", "10.0.0.9", "10.0.0.9", "10.0.0.1")
    assert followed(fast, slow, present=True) == {"fast": True, "slow": True}
    assert fast.asked == ["auth-headless.shop.svc.cluster.local."]
    assert len(slow.asked) == 3


def test_a_node_that_never_follows_is_kept_as_such() -> None:
    assert followed(Node("a", "10.0.0.1"), Node("b", "10.0.0.9"), present=True) == {"a": True, "b": False}


@pytest.mark.parametrize("gone", ["10.0.0.9", "NXDOMAIN"])
def test_a_replica_is_gone_from_the_names_when_an_answer_lacks_it(gone: str) -> None:
    assert followed(Node("a", "10.0.0.1", gone), Node("b", "10.0.0.1"), present=False) == {"a": True, "b": False}


@pytest.mark.parametrize("rcode", ["TIMEOUT", "UNREACHABLE", "SERVFAIL", "REFUSED"])
@pytest.mark.parametrize("present", [True, False])
def test_no_answer_is_neither_presence_nor_absence(rcode: str, present: bool) -> None:
    assert followed(Node("a", rcode), present=present) == {"a": False}


def test_a_replica_that_joined_is_waited_for_in_the_proxies_too(converged: list[Any]) -> None:
    flow = Fake()
    followed(Node("a", "10.0.0.1"), present=True, flow=flow)
    assert (flow.bound, flow.observed) == (40, [3.0])
    assert [names for _, _, names in converged] == [{"auth": {"auth-1"}, "users": {"auth-1"}}]


def test_that_nothing_reaches_a_replica_any_more_is_watched_past_the_bound(converged: list[Any]) -> None:
    flow = Fake()
    followed(Node("a", "NXDOMAIN"), present=False, flow=flow)
    assert (flow.observed, converged) == ([9.0], [])


def test_seconds_are_counted_from_the_change() -> None:
    (auth, _) = follow(Fake(), [Node("a", "10.0.0.1")], PODS, time.time() - 5, present=True)  # type: ignore
    assert 5 <= auth.named["a"] < 6


def test_the_answers_of_the_replica_are_dated_from_the_change() -> None:
    requests = tuple(
        Request(at, at, at + 1, 200, name, "") for at, name in ((101.0, "auth-1"), (102.0, "auth-2"), (99.5, "auth-1"))
    )
    one = Membership("auth", POD, 100.0, {}, Traffic("a", "auth", True, requests))
    assert one.answers_seconds == (1.0, -0.5)
