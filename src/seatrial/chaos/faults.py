"""The faults that a replica can suffer, each with what proves it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from kubernetes.client import V1DeleteOptions, V1Preconditions

from seatrial.chaos.journal import Journal
from seatrial.chaos.outage import Fault, Injected, Victims
from seatrial.chaos.switches import set_fault
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import Doubt, EnvironmentFault, Inconclusive, UsageError
from seatrial.observe.flow import at_once
from seatrial.observe.kube import UNREAD, cannot_be
from seatrial.observe.records import Changes, PodChange, PodView, undergoing
from seatrial.system import Faults, System


def not_ready(cluster: Cluster, system: System, hold_seconds: float) -> Fault:
    """Have the readiness endpoint say no for so long; the switch's own answer is the proof."""
    switches = switches_of(system)

    def inject(victim: PodView) -> Injected:
        at = time.time()
        set_fault(cluster.another(), system.namespace, victim.name, switches, switches.not_ready)
        return Injected(at, "its switch accepted")

    def undo_one(victim: PodView) -> None:
        with suppress(EnvironmentFault):  # a victim that was restarted meanwhile has forgotten the fault
            set_fault(cluster.another(), system.namespace, victim.name, switches, switches.ready)

    def undo(victims: Victims) -> None:
        at_once(undo_one, victims.values())

    return Fault("is not ready", _each(inject), hold_seconds=hold_seconds, undo=undo)


def hangs(cluster: Cluster, system: System) -> Fault:
    """Have the process answer nothing any more, by its own switch; its lost readiness or its restart is the proof."""
    switches = switches_of(system)

    def inject(victim: PodView) -> Injected:
        at = time.time()
        set_fault(cluster.another(), system.namespace, victim.name, switches, switches.hang)
        return Injected(at)

    return Fault("hangs", _each(inject), proof=_unready_or_restarted)


def delete_by_force(cluster: Cluster, victim: PodView) -> float:
    """Delete exactly this pod with a grace period of nought; returns when, in Unix seconds.

    Raises GuardRefusal on a cluster that is not ours, and EnvironmentFault when there is no such pod any more, or the
    API server does not answer.
    """
    return delete_exactly(cluster, victim, 0)


def delete_exactly(cluster: Cluster, victim: PodView, grace_seconds: int | None = None) -> float:
    """Delete exactly this pod, with its own grace period when none is given; returns and raises as the above."""
    require_owned(cluster)
    at = time.time()
    exactly = V1DeleteOptions(preconditions=V1Preconditions(uid=victim.uid), grace_period_seconds=grace_seconds)
    try:
        cluster.core.delete_namespaced_pod(victim.name, victim.namespace, body=exactly)
    except UNREAD as error:
        raise cannot_be("deleted", f"Pod {victim.namespace}/{victim.name}", error) from error
    return at


def switches_of(system: System) -> Faults:
    """Return the fault switches; raises UsageError when the system declares none (a scenario skips before)."""
    if system.faults is None:
        raise UsageError("this fault needs fault switches", remedy="declare 'faults' in system.yaml")
    return system.faults


def was_restarted(victim: PodView, changes: Changes) -> str:
    """Say that the victim's container was started again in the same pod, or nothing."""
    restarts = max((change.restarts for change in _of(victim, changes)), default=victim.restarts)
    return f"its container was restarted (restart {restarts})" if restarts > victim.restarts else ""


def _unready_or_restarted(victim: PodView, changes: Changes) -> str:
    lost = any(not change.ready for change in _of(victim, changes))
    return was_restarted(victim, changes) or ("its readiness was lost" if lost else "")


def _of(victim: PodView, changes: Changes) -> list[PodChange]:
    return [change for change in changes.pods if change.uid == victim.uid]


def _each(inject: Callable[[PodView], Injected]) -> Callable[[Victims], Mapping[str, Injected]]:
    """Do it to all victims at the same time."""

    def inject_all(victims: Victims) -> Mapping[str, Injected]:
        return dict(zip(victims, at_once(inject, victims.values()), strict=True))

    return inject_all


def by_experiment(name: str, run: Callable[[], Journal], window_seconds: float = 0.0) -> Fault:
    """Have a Chaos Toolkit experiment do it; its probes of the effect are the proof, as its journal tells."""

    def inject_all(victims: Victims) -> Mapping[str, Injected]:
        journal = run()
        return {
            service: Injected(hit_at(journal, victim), seen_effects(journal)) for service, victim in victims.items()
        }

    return Fault(undergoing(name), inject_all, window_seconds=window_seconds, is_experiment=True)


def hit_at(journal: Journal, victim: PodView) -> float:
    """Return when the experiment hit a replica, or the node that it stood on, as an action recorded (Unix seconds).

    Raises Inconclusive when none says so.
    """
    hits = [hit for action in journal.actions for hit in _hits(action.output)]
    own = [hit["at"] for hit in hits if hit.get("uid") == victim.uid]
    nodes = [hit["at"] for hit in hits if hit.get("node") == victim.node and "uid" not in hit]
    if not own and not nodes:
        told = f"an action of {journal.title!r} that says when it hit this replica"
        raise Inconclusive(Doubt(victim.name, told, "see what its actions returned, in the journal"))
    return float((own or nodes)[0])


def _hits(output: Any) -> list[dict[str, Any]]:
    listed = output if isinstance(output, list) else []
    return [each for each in listed if isinstance(each, dict) and each.get("at")]


def seen_effects(journal: Journal) -> str:
    """Return the names of the probes of the effect, empty unless all of them saw it."""
    effects = journal.effects
    return ", ".join(each.name for each in effects) if all(each.saw_it for each in effects) else ""
