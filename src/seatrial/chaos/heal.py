"""Bringing the system back after faults, whatever they were, and proving that it is back. No log is needed.

Two halves: what the engine can do from outside the nodes of our own kind clusters, and what the API server can do. A
cluster whose nodes cannot be entered has the second one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seatrial.chaos.remains import find_in_api, inside_undos, outside_undos, stale_undos
from seatrial.chaos.steady import prove_steady
from seatrial.chaos.undo import carry_out_all
from seatrial.chaos.undo_node import act
from seatrial.chaos.undo_records import NodeUndo, Outcome, Reverted
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.cluster.node_state import observe_container, observe_inside
from seatrial.cluster.ours import kind_cluster_of
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.flow import at_once
from seatrial.system import System
from seatrial.waiting import eventually

__all__ = ["Healing", "heal", "heal_nodes", "heal_objects", "prove_steady"]

HEAL_SECONDS = 5.0
"""How long what fails at first is tried again. Who heals after the worst, such as an API server whose node was paused,
gives more."""


@dataclass(frozen=True, slots=True)
class Healing:
    """What was found and done."""

    done: tuple[Reverted, ...] = ()
    """One for each thing that was not as it should be; empty when there was nothing to heal."""
    unseen: tuple[str, ...] = ()
    """What the credentials do not allow to look at."""

    @property
    def failed(self) -> tuple[Reverted, ...]:
        return tuple(each for each in self.done if each.outcome is Outcome.FAILED)


def heal(cluster: Cluster, system: System, *, within_seconds: float = HEAL_SECONDS) -> Healing:
    """Put back whatever faults left behind, found by looking for it; may be repeated at will.

    Returns what was found and done. Raises GuardRefusal on a cluster that is not ours, EnvironmentFault when the API
    server does not answer in time.
    """
    done = heal_nodes(cluster)
    api = heal_objects(cluster, system, within_seconds=within_seconds)
    return Healing((*done, *api.done), api.unseen)


def heal_objects(cluster: Cluster, system: System, *, within_seconds: float = HEAL_SECONDS) -> Healing:
    """Heal by the API server alone: switches, cordons, marked Deployments, stress pods, dead men that are left over."""
    remains = eventually(
        lambda: find_in_api(cluster, system),
        until=lambda _: True,
        within_seconds=within_seconds,
        what="what faults left behind",
    )
    require_owned(cluster)
    return Healing(carry_out_all(cluster, remains.undos, within_seconds=within_seconds), remains.unseen)


def heal_nodes(cluster: Cluster) -> tuple[Reverted, ...]:
    """Heal the nodes from the engine: first that they run and are reached, then what goes on inside.

    Empty for a cluster that is no kind cluster of ours. A node that cannot be looked into is told as a failure.
    """
    ours = kind_cluster_of(cluster)
    try:
        nodes = ours.nodes() if ours else ()
    except EnvironmentFault as error:
        return (Reverted("look at the nodes of this kind cluster", Outcome.FAILED, str(error)),)
    return (
        *_on_each(nodes, lambda node: outside_undos(observe_container(node))),
        *_on_each(nodes, _inside),
    )


def _inside(node: str) -> tuple[NodeUndo, ...]:
    inside = observe_inside(node)
    return (*inside_undos(inside), *stale_undos(inside))


def _on_each(nodes: Sequence[str], find: Callable[[str], Iterable[NodeUndo]]) -> tuple[Reverted, ...]:
    def mend(node: str) -> list[Reverted]:
        try:
            return [act(undo) for undo in find(node)]
        except (EnvironmentFault, GuardRefusal) as error:
            return [Reverted(f"look at node {node}", Outcome.FAILED, " ".join(str(error).split()))]

    return tuple(each for found in at_once(mend, nodes) for each in found)
