"""Faults of whole nodes: what the engine and the node are asked, and that it may be taken back twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seatrial.cluster import node_faults
from seatrial.cluster.node_faults import count_dropped
from seatrial.errors import GuardRefusal

Asked = list[tuple[str, ...]]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Asked]:
    """An engine that says one thing whatever it is asked."""

    def saying(told: str) -> Asked:
        asked: Asked = []

        def docker(*what: str) -> str:
            asked.append(what)
            return told

        monkeypatch.setattr(node_faults, "docker", docker)
        monkeypatch.setattr(node_faults, "node_exec", lambda node, *what: asked.append((node, *what)) or told)
        monkeypatch.setattr(node_faults, "require_owned_node", lambda node: None)
        return asked

    return saying


@pytest.mark.parametrize(
    ("act", "state", "word"),
    [
        (node_faults.unpause, "paused", "unpause"),
        (node_faults.start, "exited", "start"),
    ],
)
def test_a_node_is_put_back_where_it_is_not_as_it_was(
    engine: Callable[[str], Asked], act: Callable[[str], None], state: str, word: str
) -> None:
    asked = engine(state)
    act("worker")
    assert asked[1:] == [(word, "worker")]


@pytest.mark.parametrize("act", [node_faults.unpause, node_faults.start])
def test_a_node_that_runs_is_left_alone(engine: Callable[[str], Asked], act: Callable[[str], None]) -> None:
    asked = engine("running")
    act("worker")
    assert [what[0] for what in asked] == ["inspect"]


@pytest.mark.parametrize(
    "act",
    [node_faults.pause, node_faults.unpause, node_faults.restart, node_faults.start, node_faults.started_at],
)
def test_a_node_that_is_not_ours_is_refused(
    engine: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch, act: Callable[[str], object]
) -> None:
    def refuse(node: str) -> None:
        raise GuardRefusal("not ours")

    asked = engine("paused")
    monkeypatch.setattr(node_faults, "require_owned_node", refuse)
    with pytest.raises(GuardRefusal):
        act("worker")
    assert asked == []


def test_every_way_out_of_a_node_and_into_it_is_closed_and_opened_again(engine: Callable[[str], Asked]) -> None:
    asked = engine("")
    node_faults.cut_off("worker")
    node_faults.reconnect("worker")
    (_, _, _, closed), (_, _, _, opened) = asked
    ways = ("INPUT -i eth0", "OUTPUT -o eth0", "FORWARD -i eth0", "FORWARD -o eth0")
    for way in ways:
        rule = f"{way} -m comment --comment seatrial:disconnect -j DROP"
        assert f"iptables -w -I {rule}" in closed
        assert f"while iptables -w -D {rule} 2>/dev/null; do :; done" in opened


RULES = """
*filter
:INPUT ACCEPT [812:90211]
[12:1440] -A INPUT -i eth0 -m comment --comment "seatrial:disconnect" -j DROP
[3:180] -A FORWARD -o eth0 -m comment --comment seatrial:disconnect -j DROP
[77:4620] -A FORWARD -m comment --comment "kubernetes forwarding rules" -j ACCEPT
[5:300] -A FORWARD -m comment --comment "seatrial: drop auth to users" -j DROP
COMMIT
"""


def test_only_packets_that_our_rules_dropped_are_counted() -> None:
    assert count_dropped(RULES) == 15
    assert count_dropped("*filter\nCOMMIT\n") == 0


def test_the_engines_time_is_read_with_its_nanoseconds(engine: Callable[[str], Asked]) -> None:
    engine("2026-11-25T00:18:11.123456789Z\n")
    assert node_faults.started_at("worker") == pytest.approx(1795565891.123456)
