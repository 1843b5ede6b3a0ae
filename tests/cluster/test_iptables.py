"""Rules of ours are found by their comment, wherever they are, and nobody else's is touched."""

from __future__ import annotations

import pytest

from seatrial.cluster import iptables
from seatrial.cluster.iptables import our_rules, remove_rules

LINES = """\
rule - filter -A FORWARD -s 10.244.1.5/32 -m comment --comment seatrial -j DROP
rule - nat -A KUBE-SERVICES -d 10.96.0.1/32 -m comment --comment "seatrial/auth:http cluster IP" -j KUBE-SVC-X
rule - nat -A KUBE-SERVICES -d 10.96.0.2/32 -m comment --comment "seatrial-chaos/x cluster IP" -j KUBE-SVC-Y
rule cni-1f2e filter -A OUTPUT -d 10.244.2.7/32 -m comment --comment "seatrial: auth to users" -j DROP
rule cni-1f2e filter -A INPUT -s 10.0.0.1/32 -m comment --comment other -m comment --comment seatrial -j DROP
kubelet active
"""


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    ran: list[tuple[str, ...]] = []

    def node_exec(node: str, *argv: str) -> str:
        ran.append((node, *argv))
        return LINES if argv[0] == "bash" else ""

    monkeypatch.setattr(iptables, "node_exec", node_exec)
    return ran


def test_only_comments_of_ours_count_not_those_of_services_in_a_namespace_of_that_name() -> None:
    assert [(rule.where, rule.table, rule.comment) for rule in our_rules(LINES.splitlines())] == [
        ("-", "filter", "seatrial"),
        ("cni-1f2e", "filter", "seatrial: auth to users"),
    ]


def test_each_is_removed_where_it_is_by_its_own_words(executed: list[tuple[str, ...]]) -> None:
    assert remove_rules("worker") == 2
    removal = ("iptables", "-w", "5", "-t", "filter", "-D")
    comment = ("-m", "comment", "--comment")
    assert executed[1:] == [
        ("worker", *removal, "FORWARD", "-s", "10.244.1.5/32", *comment, "seatrial", "-j", "DROP"),
        (
            *("worker", "ip", "netns", "exec", "cni-1f2e"),
            *(*removal, "OUTPUT", "-d", "10.244.2.7/32", *comment, "seatrial: auth to users", "-j", "DROP"),
        ),
    ]


def test_one_comment_alone_can_be_removed(executed: list[tuple[str, ...]]) -> None:
    assert remove_rules("worker", "seatrial: auth to users") == 1
    assert remove_rules("worker", "seatrial: nobody") == 0
    assert len(executed) == 3
