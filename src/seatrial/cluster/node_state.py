"""What a node of a kind cluster is like, seen from outside: its container, its kubelet, what faults left in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from seatrial.cluster import connections
from seatrial.cluster.engine import docker
from seatrial.cluster.guard import require_owned_node
from seatrial.cluster.iptables import LIST, Rule, our_rules
from seatrial.cluster.nodes import node_exec

NETWORK = "kind"
"""The engine's network that kind puts its nodes into."""
LOOK = (
    r"""
echo "kubelet $(systemctl is-active kubelet)"
ps -eo pid=,stat=,comm= | awk '$2 ~ /^T/ { print "stopped", $1, $3 }'
grep -lsz '^SEATRIAL_CHAOS=' /proc/[0-9]*/environ | awk -F/ '{ print "stress", $3 }'
"""
    + LIST
    + connections.LIST
    + "true\n"
)
"""One look into a node, so that healing is cheap where there is nothing to heal."""


@dataclass(frozen=True, slots=True)
class Container:
    """A node's container, as the engine tells it."""

    node: str
    status: str
    """running, paused, exited, …"""
    addresses: tuple[tuple[str, str], ...]
    """Networks that it is connected to, each with its address there."""

    def address(self, network: str) -> str | None:
        """Return its address in a network; None when it is not connected to it."""
        return dict(self.addresses).get(network)


@dataclass(frozen=True, slots=True)
class Inside:
    """What goes on in a node that runs."""

    node: str
    kubelet: str
    """State of the unit: active, inactive, failed, activating."""
    stopped: tuple[tuple[int, str], ...]
    """Stopped processes (state T), each with its name."""
    stress: tuple[int, ...]
    """Processes that faults started."""
    rules: tuple[Rule, ...]
    unanswered: int = 0
    """Tracked connections that nobody answered, and whoever asked has given up."""


def observe_container(node: str) -> Container:
    """Ask the engine; raises GuardRefusal when the node is not ours."""
    require_owned_node(node)
    found: Any = json.loads(docker("inspect", "--type", "container", node))[0]
    networks = found["NetworkSettings"]["Networks"] or {}
    addresses = tuple((name, each.get("IPAddress") or "") for name, each in sorted(networks.items()))
    return Container(node, found["State"]["Status"], addresses)


def observe_inside(node: str) -> Inside:
    """Look into a node that runs; raises GuardRefusal when it is not ours, EnvironmentFault when there is no way in."""
    return inside_of(node, node_exec(node, "bash", "-c", LOOK))


def inside_of(node: str, text: str) -> Inside:
    """Return what the lines of :data:`LOOK` say; pure."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    return Inside(
        node=node,
        kubelet=next((row[1] for row in rows if row[0] == "kubelet" and len(row) > 1), ""),
        stopped=tuple((int(row[1]), row[2]) for row in rows if row[0] == "stopped"),
        stress=tuple(int(row[1]) for row in rows if row[0] == "stress"),
        rules=tuple(our_rules(text.splitlines())),
        unanswered=sum(int(row[2]) for row in rows if row[0] == "unanswered"),
    )
