"""Waiting for the nodes' proxies: every node, every replica, and no longer than the bound."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from seatrial.observe.convergence import CHANCE, await_convergence, await_one_each
from seatrial.observe.records import Request, Traffic
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: auth, replicas: 2}, {name: users, service: people}]\n"
    "identity: {header: X-Pod}\ntolerances: {propagation_seconds: 0.4}\n",
    "system.yaml",
)
BOTH = {"auth": {"a", "b"}}


class Node:
    """A vantage whose looks find these replicas in turn, and the last ones for ever; ``!`` is a request that fails."""

    def __init__(self, *looks: str) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._looks = list(looks)

    def requests(self, url: str, **options: Any) -> Traffic:
        self.asked.append((url, options))
        time.sleep(0.01)
        found = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        requests = (Request(0, 0, 1, 0, "", "refused") if x == "!" else Request(0, 0, 1, 200, x, "") for x in found)
        return Traffic("node", url, True, tuple(requests))


def converge(nodes: Sequence[Node], replicas: Any = BOTH, **names: str) -> bool:
    return await_convergence(SYSTEM, nodes, replicas, names)  # type: ignore[arg-type]


def test_one_look_is_enough_where_every_node_reaches_all() -> None:
    nodes = [Node("abab"), Node("bbba")]
    assert converge(nodes)
    assert [len(node.asked) for node in nodes] == [1, 1]


def test_only_nodes_that_are_behind_are_asked_again() -> None:
    nodes = [Node("ab"), Node("aa", "ab")]
    assert converge(nodes)
    assert [len(node.asked) for node in nodes] == [1, 2]


@pytest.mark.parametrize("looks", ["aaaa", "abc", "", "abab!"], ids=["lacks", "too many", "nobody", "fails"])
def test_a_node_that_does_not_reach_exactly_them_ends_the_wait_at_the_bound(looks: str) -> None:
    began = time.monotonic()
    assert not converge([Node("ab"), Node(looks)])
    assert 0.4 <= time.monotonic() - began < 2


def test_every_service_is_asked_for_under_its_name_or_another() -> None:
    node = Node("ab")
    assert converge([node], {"auth": {"a", "b"}, "users": {"a", "b"}}, auth="auth-sticky")
    assert sorted(url for url, _ in node.asked) == [
        "http://auth-sticky.shop.svc.cluster.local.:80/whoami",
        "http://people.shop.svc.cluster.local.:80/whoami",
    ]
    assert {options["identity_header"] for _, options in node.asked} == {"X-Pod"}


def test_a_look_misses_a_replica_only_by_the_stated_chance() -> None:
    node = Node("ab")
    converge([node])
    size, k = node.asked[0][1]["count"], SYSTEM.service("auth").replicas + 1
    assert k * (1 - 1 / k) ** size <= CHANCE < k * (1 - 1 / k) ** (size - 1)


def test_an_answer_of_anyone_is_enough_for_a_new_name() -> None:
    node = Node("", "!", "a")
    assert await_one_each(SYSTEM, [node], {"auth": "auth-sticky"})  # type: ignore[list-item]
    assert len(node.asked) == 3
    assert not await_one_each(SYSTEM, [Node("a"), Node("!")], {"auth": "auth-sticky"})  # type: ignore[list-item]


def test_nothing_to_wait_for_is_no_wait() -> None:
    assert converge([], BOTH)
    assert converge([Node("")], {})
