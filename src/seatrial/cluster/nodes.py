"""Acts on nodes of our own kind clusters, from outside: what no API call can do to a pod."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.cluster.engine import docker
from seatrial.cluster.guard import require_owned_node

CTR = ("ctr", "--namespace=k8s.io")
SIGNAL = """
set -e -o pipefail
signal=$1; shift
for id; do
  found=$(ctr --namespace=k8s.io tasks ps "$id" | awk 'NR > 1 {print $1}')
  pids+=($found)
done
date +%s.%N
kill -s "$signal" "${pids[@]}" || true
"""
"""The first to get it may take others along before these are signalled: what became of them, the experiment's own probe
tells."""


def node_exec(node: str, *argv: str) -> str:
    """Run a command on a node and return its output.

    Raises GuardRefusal when the node is not ours, EnvironmentFault when the command fails.
    """
    require_owned_node(node)
    return docker("exec", node, *argv)


def signal_container(node: str, container_id: str, signal_name: str) -> None:
    """Send a signal, for instance ``SIGKILL``, to every process of a container, from its node."""
    node_exec(node, *CTR, "tasks", "kill", "--all", "--signal", signal_name, container_id)


def signal_containers(node: str, container_ids: Sequence[str], signal_name: str) -> float:
    """Send a signal to every process of several containers of a node at the same moment, and return that moment.

    Unix seconds by the node's clock, which is this machine's: nodes are containers of it. Who they are is asked first:
    that takes longer than the signal, and as long as it takes nothing has happened yet. Raises EnvironmentFault when a
    container is not there.
    """
    return float(node_exec(node, "bash", "-c", SIGNAL, "signal", signal_name.removeprefix("SIG"), *container_ids))


def process_states(node: str, container_id: str) -> tuple[str, ...]:
    """Return the kernel's state letter of each process of a container (T is stopped); empty when it is gone."""
    script = (
        f"for pid in $(ctr -n k8s.io tasks ps {container_id} 2>/dev/null | awk 'NR > 1 {{print $1}}'); "
        "do awk '/^State:/ {print $2}' /proc/$pid/status 2>/dev/null; done; true"
    )
    return tuple(node_exec(node, "bash", "-c", script).split())
