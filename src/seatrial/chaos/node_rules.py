"""Packet rules on the nodes of our own kind clusters: laid, read with their counters, and taken away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seatrial.chaos.packet_rules import COMMENT, TABLES, Laid, Rule, parse_saved
from seatrial.chaos.undo import NodeUndo, record
from seatrial.cluster.client import Cluster
from seatrial.cluster.nodes import node_exec
from seatrial.observe.kube import UNREAD, unread


def lay(rules: Iterable[Rule]) -> None:
    """Lay rules; how to take them away is written down before the first of each node.

    Raises GuardRefusal when a node is not ours, EnvironmentFault when it refuses.
    """
    listed = list(rules)
    for node in sorted({rule.node for rule in listed}):
        record(NodeUndo(node, "uncover", COMMENT, f"packet rules of an experiment on {node}"))
    for rule in listed:
        node_exec(rule.node, *rule.insertion())


def laid_on(node: str) -> tuple[Laid, ...]:
    """Return the rules of ours that lie on a node, with their counters; raises as :func:`lay` does."""
    saved = {table: node_exec(node, "iptables-save", "--counters", "--table", table) for table in TABLES}
    return tuple(rule for table, text in saved.items() for rule in parse_saved(text, table))


def uncover(node: str) -> int:
    """Take away all rules of ours on a node and return how many there were; may be repeated at will."""
    found = laid_on(node)
    for rule in found:
        node_exec(node, *rule.deletion())
    return len(found)


def node_names(cluster: Cluster) -> tuple[str, ...]:
    """Return the names of the cluster's nodes; raises EnvironmentFault when nobody tells."""
    try:
        nodes: Any = cluster.core.list_node().items
    except UNREAD as error:
        raise unread("the nodes of the cluster", error) from error
    return tuple(sorted(node.metadata.name for node in nodes))
