"""Faults of whole nodes of our own kind clusters, and what puts them back; whatever puts back may be repeated.

A node is cut off by packet rules on itself and not by ``docker network disconnect``: the engine would give it another
address when it is connected again (a fixed one is accepted only in networks with a subnet of their own, and kind's has
none), and a kubelet that was told its address does not come back under another. The rules can be removed from outside,
because ``docker exec`` needs no network, and they count what they dropped.
"""

from __future__ import annotations

import re
from datetime import datetime

from seatrial.cluster.engine import docker
from seatrial.cluster.guard import require_owned_node
from seatrial.cluster.nodes import node_exec

COMMENT = "seatrial:disconnect"
"""Of our packet rules on a node: they are found and removed by it."""
LINK = "eth0"
"""The one network link of a kind node."""
RULES = tuple(
    f"{chain} {way} {LINK} -m comment --comment {COMMENT} -j DROP"
    for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o"), ("FORWARD", "-i"), ("FORWARD", "-o"))
)


def pause(node: str) -> None:
    """Freeze every process of a node."""
    require_owned_node(node)
    docker("pause", node)


def unpause(node: str) -> None:
    """Let a node go on; nothing when it is not frozen."""
    if state(node) == "paused":
        docker("unpause", node)


def restart(node: str) -> None:
    """Stop a node and start it again."""
    require_owned_node(node)
    docker("restart", node)


def start(node: str) -> None:
    """Start a node; nothing when it runs."""
    if state(node) in ("exited", "created"):
        docker("start", node)


def state(node: str) -> str:
    """Return what the engine says of a node: running, paused, exited …."""
    return _inspect(node, "{{.State.Status}}")


def started_at(node: str) -> float:
    """Return when a node was started last, in Unix seconds on the engine's clock."""
    return datetime.fromisoformat(_inspect(node, "{{.State.StartedAt}}")).timestamp()


def cut_off(node: str) -> None:
    """Drop every packet that comes to a node, or leaves it; its own pods still reach each other."""
    node_exec(node, "bash", "-c", "set -e; " + "; ".join(f"iptables -w -I {rule}" for rule in RULES))


def reconnect(node: str) -> None:
    """Remove the rules of :func:`cut_off`, as often as they are there."""
    gone = (f"while iptables -w -D {rule} 2>/dev/null; do :; done" for rule in RULES)
    node_exec(node, "bash", "-c", "; ".join(gone))


def dropped_packets(node: str) -> int:
    """Return how many packets the rules of :func:`cut_off` have dropped."""
    return count_dropped(node_exec(node, "iptables-save", "--counters", "--table=filter"))


def count_dropped(rules: str) -> int:
    """Add up the packet counters of our rules in the output of ``iptables-save --counters``."""
    ours = rf'^\[(\d+):\d+\] .*--comment "?{COMMENT}"? '
    return sum(int(packets) for packets in re.findall(ours, rules, re.MULTILINE))


def stop_kubelet(node: str) -> None:
    """Stop a node's kubelet; its pods run on."""
    node_exec(node, "systemctl", "stop", "kubelet")


def start_kubelet(node: str) -> None:
    """Start a node's kubelet; nothing when it runs."""
    node_exec(node, "systemctl", "start", "kubelet")


def _inspect(node: str, what: str) -> str:
    require_owned_node(node)
    return docker("inspect", "--format", what, node).strip()
