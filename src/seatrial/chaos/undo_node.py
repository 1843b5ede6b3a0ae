"""Carrying out the undos that are acts on a node of a kind cluster, from its engine: each looks first, then acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seatrial.chaos.undo_records import NodeUndo, Outcome, Reverted
from seatrial.cluster import connections
from seatrial.cluster.engine import docker
from seatrial.cluster.iptables import remove_rules
from seatrial.cluster.node_state import observe_container, observe_inside
from seatrial.cluster.nodes import node_exec, process_states, signal_container
from seatrial.errors import EnvironmentFault, GuardRefusal

STOPPED = "T"
BORN_AT = "/kind/old-ipv4"
"""Where kind's entrypoint keeps the address that the node had when it started last."""


def act(undo: NodeUndo) -> Reverted:
    """Carry out an act and tell what came of it; a node that is not ours is refused, and that is told too."""
    try:
        changed = ACTS[undo.verb](undo.node, undo.argument)
    except (EnvironmentFault, GuardRefusal) as error:
        return Reverted(undo.note, Outcome.FAILED, " ".join(str(error).split()))
    return Reverted(undo.note, Outcome.DONE if changed else Outcome.ALREADY)


def unpause(node: str, _: str) -> bool:
    """Let a paused node go on."""
    if observe_container(node).status != "paused":
        return False
    docker("unpause", node)
    return True


def start(node: str, _: str) -> bool:
    """Start a node that was stopped."""
    if observe_container(node).status in ("running", "paused"):
        return False
    docker("start", node)
    return True


def connect(node: str, network: str) -> bool:
    """Connect a node to a network again.

    The engine may give it another address. Then it is restarted: kind's entrypoint brings the kubelet and the
    certificates to the new one, and nothing else does.
    """
    before = observe_container(node)
    connected = before.address(network) is not None
    if not connected:
        docker("network", "connect", network, node)
    moved = before.status == "running" and _has_moved(node, network)
    if moved:
        docker("restart", node)
    return moved or not connected


def _has_moved(node: str, network: str) -> bool:
    born_at = node_exec(node, "cat", BORN_AT).strip()
    return bool(born_at) and observe_container(node).address(network) != born_at


def go_on(node: str, container_id: str) -> bool:
    """Continue the stopped processes of a container, or all of the node."""
    if not container_id:
        return _continue(node, lambda name: True)
    if STOPPED not in process_states(node, container_id):
        return False
    signal_container(node, container_id, "SIGCONT")
    return True


def start_kube_proxy(node: str, _: str) -> bool:
    """Continue the kube-proxy of a node."""
    return _continue(node, lambda name: name == "kube-proxy")


def _continue(node: str, concerns: Callable[[str], bool]) -> bool:
    stopped = [str(number) for number, name in observe_inside(node).stopped if concerns(name)]
    if stopped:
        node_exec(node, "kill", "-CONT", *stopped)
    return bool(stopped)


def uncover(node: str, comment: str) -> bool:
    """Remove our rules of the packet filter with this comment, or all, from the node and from its pods."""
    return remove_rules(node, comment) > 0


def end_stress(node: str, _: str) -> bool:
    """Kill the processes that faults started on the node."""
    found = [str(number) for number in observe_inside(node).stress]
    if found:
        node_exec(node, "kill", "-KILL", *found)
    return bool(found)


def start_kubelet(node: str, _: str) -> bool:
    """Start the kubelet where it does not run."""
    if observe_inside(node).kubelet not in ("inactive", "failed"):
        return False
    node_exec(node, "systemctl", "start", "kubelet")
    return True


def forget(node: str, _: str) -> bool:
    """Forget tracked connections that nobody answered."""
    if not observe_inside(node).unanswered:
        return False
    node_exec(node, "bash", "-c", connections.FORGET)
    return True


ACTS: Mapping[str, Callable[[str, str], bool]] = {
    "unpause": unpause,
    "start": start,
    "connect": connect,
    "continue": go_on,
    "uncover": uncover,
    "end-stress": end_stress,
    "start-kubelet": start_kubelet,
    "start-kube-proxy": start_kube_proxy,
    "forget": forget,
}
"""The verbs of :data:`seatrial.chaos.undo_records.VERBS`; each tells whether there was anything to change."""
