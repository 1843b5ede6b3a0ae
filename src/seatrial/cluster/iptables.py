"""The packet filter's rules that faults add to a node or to a pod's network namespace: found and removed by comment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.cluster.nodes import node_exec

HERE = "-"
"""Stands for the node's own network namespace, beside the names of those of its pods."""
OURS = re.compile(r"seatrial([ :].*)?")
"""A comment of ours, whole. kube-proxy's begin with ``namespace/name``, and a namespace may be called seatrial, too."""
SECONDS_FOR_LOCK = "5"
LIST = r"""
for where in - $(ip netns list 2>/dev/null | cut -d' ' -f1); do
  enter=; [ "$where" = - ] || enter="ip netns exec $where"
  $enter iptables-save 2>/dev/null |
    awk -v where="$where" '/^\*/ { table = substr($0, 2) } /^-A .*seatrial/ { print "rule", where, table, $0 }'
done
"""
"""Prints ``rule WHERE TABLE LINE`` for each rule that may be ours; nothing is put into it from outside."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of ours, as iptables-save prints it."""

    where: str
    """Name of a network namespace, or :data:`HERE`."""
    table: str
    words: tuple[str, ...]
    """The chain, and what iptables takes after it."""

    @property
    def comment(self) -> str:
        """Return the rule's comment, empty when it has none."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return next((value for option, value in pairs if option == "--comment"), "")

    @property
    def removal(self) -> tuple[str, ...]:
        """Return the command that removes it."""
        enter = () if self.where == HERE else ("ip", "netns", "exec", self.where)
        return (*enter, "iptables", "-w", SECONDS_FOR_LOCK, "-t", self.table, "-D", *self.words)


def our_rules(lines: Iterable[str]) -> Iterator[Rule]:
    """Yield the rules of ours among lines such as :data:`LIST` prints; other lines are passed over."""
    for line in lines:
        if line.startswith("rule "):
            _, where, table, text = line.split(" ", 3)
            rule = Rule(where, table, tuple(shlex.split(text)[1:]))
            if OURS.fullmatch(rule.comment):
                yield rule


def remove_rules(node: str, comment: str = "") -> int:
    """Remove our rules with this comment, all of ours when it is empty, wherever they are on a node; return how many.

    Raises GuardRefusal when the node is not ours, EnvironmentFault when a command fails.
    """
    found = our_rules(node_exec(node, "bash", "-c", LIST).splitlines())
    chosen = [rule for rule in found if not comment or rule.comment == comment]
    for rule in chosen:
        node_exec(node, *rule.removal)
    return len(chosen)
