"""Packet rules that experiments lay on nodes: how they are written, counted, and taken away again by their comment.

A node forwards every packet of its pods, so a rule on the node of a caller's replica sees each packet of its calls
once, with the address of the callee's replica: kube-proxy has translated that of the Service before. Nothing here
speaks to a node.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

from seatrial.chaos.marks import RULE_COMMENT
from seatrial.observe.records import PodView

COMMENT = RULE_COMMENT
"""Every rule of ours carries it, and no other rule does."""
TABLES = ("filter", "nat")
"""Tables that may hold rules of ours."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as iptables takes it."""

    node: str
    table: str
    chain: str
    arguments: tuple[str, ...]

    def insertion(self) -> tuple[str, ...]:
        """Return the command that lays it before all others of its chain."""
        return ("iptables", "--wait", "--table", self.table, "--insert", self.chain, *self.arguments)


@dataclass(frozen=True, slots=True)
class Laid:
    """One rule of ours that lies on a node."""

    table: str
    rule: str
    """As iptables-save writes it: ``-A FORWARD -s …``."""
    packets: int
    """Which it was applied to, by the kernel's count; of a rule in the table nat, connections."""

    def deletion(self) -> tuple[str, ...]:
        """Return the command that takes it away."""
        _, chain, *arguments = shlex.split(self.rule)
        return ("iptables", "--wait", "--table", self.table, "--delete", chain, *arguments)


def losses(callers: Iterable[PodView], callees: Iterable[PodView], probability: float) -> tuple[Rule, ...]:
    """Return the rules that drop packets between these pods, each way, by chance."""
    chance = ("--match", "statistic", "--mode", "random", "--probability", f"{probability:g}")
    return tuple(
        Rule(caller.node, "filter", "FORWARD", (*between, *_comment(), *chance, "--jump", "DROP"))
        for caller, callee in product(callers, list(callees))
        for between in (_from_to(caller.ip, callee.ip), _from_to(callee.ip, caller.ip))
    )


def detours(callers: Iterable[PodView], address: str, port: int, by: dict[str, str]) -> tuple[Rule, ...]:
    """Return the rules that lead new connections of these pods to a Service to the host:port of their node."""
    to = (*_comment(), "--protocol", "tcp", "--dport", str(port), "--jump", "DNAT", "--to-destination")
    return tuple(
        Rule(caller.node, "nat", "PREROUTING", (*_from_to(caller.ip, address), *to, by[caller.node]))
        for caller in callers
    )


def parse_saved(text: str, table: str) -> Iterator[Laid]:
    """Yield the rules of ours in what ``iptables-save --counters`` says of a table."""
    for line in text.splitlines():
        counters, _, rule = line.partition(" ")
        if counters.startswith("[") and _is_ours(shlex.split(rule)):
            yield Laid(table, rule, int(counters.strip("[]").partition(":")[0]))


def _is_ours(words: list[str]) -> bool:
    return any(pair == ("--comment", COMMENT) for pair in pairwise(words))


def _comment() -> tuple[str, ...]:
    return ("--match", "comment", "--comment", COMMENT)


def _from_to(source: str, destination: str) -> tuple[str, ...]:
    return ("--source", source, "--destination", destination)
