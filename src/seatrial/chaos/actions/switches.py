"""Replicas that misbehave by their own fault switches: unready, in error, slow, out of memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits, undo
from seatrial.chaos.actions.finding import Target, hit, matching, replicas_of, targets_of
from seatrial.chaos.probes.replicas import endings_of_all
from seatrial.chaos.probes.steady import comes_true
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.switches import set_fault, switch_path
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.flow import at_once
from seatrial.observe.records import PodView
from seatrial.system import Faults, System


def switch_replicas(targets: str, fault: str) -> list[Target]:
    """Switch a fault that ``faults`` in system.yaml declares on in every ready replica whose name matches."""
    cluster, system = cluster_here(), system_here()
    faults, body = switch_of(system, fault)
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    for pod in found:
        undo.record(put_back(pod, faults))
    return at_once(lambda pod: _switch(cluster.another(), pod, faults, body), found)


def restore_replicas(targets: str) -> bool:
    """Switch all faults off in every replica whose name matches; one that was restarted has forgotten them."""
    cluster, system = cluster_here(), system_here()
    faults = _faults(system)
    for pod in matching(targets, replicas_of(cluster, system)):
        with suppress(EnvironmentFault):
            set_fault(cluster, pod.namespace, pod.name, faults, faults.ready)
    return True


def fill_memory(targets: str, within_seconds: float) -> list[Target]:
    """Have every matching replica take memory until the kernel kills it; ``at`` is when its container ended.

    It is the second in which the kubelet says that it ended. Raises ActivityFailed when one is still there after the
    bound.
    """
    cluster, system = cluster_here(), system_here()
    before = {(each.uid, each.at) for each in endings_of_all(cluster, system)}
    harmed = {each["uid"]: each for each in switch_replicas(targets, "growing")}
    ended: dict[str, float] = {}

    def all_ended() -> bool:
        now = (each for each in endings_of_all(cluster, system) if (each.uid, each.at) not in before)
        ended.update({each.uid: each.at for each in now if each.uid in harmed})
        return ended.keys() == harmed.keys()

    if not comes_true(all_ended, within_seconds):
        left = sorted(each["pod"] for uid, each in harmed.items() if uid not in ended)
        raise ActivityFailed(f"still there after {within_seconds:g} s of taking memory: {', '.join(left)}")
    return [target | {"at": ended[uid]} for uid, target in harmed.items()]


def switch_of(system: System, fault: str) -> tuple[Faults, Mapping[str, Any]]:
    """Return the switches and a declared body; raises ActivityFailed when the system declares none of that name."""
    faults = _faults(system)
    bodies = {name: body for name, body in faults.model_dump().items() if isinstance(body, dict)}
    if fault not in bodies:
        raise ActivityFailed(f"{system.name} declares no fault {fault!r}, but {', '.join(bodies)}")
    return faults, bodies[fault]


def put_back(pod: PodView, faults: Faults) -> undo.ApiUndo:
    """Return the request that switches all faults of a replica off."""
    path = switch_path(pod.namespace, pod.name, faults)
    return undo.ApiUndo("PUT", path, dict(faults.ready), "application/json", f"switch {pod.name} back")


def _faults(system: System) -> Faults:
    if system.faults is None:
        raise ActivityFailed(f"{system.name} declares no fault switches ('faults' in system.yaml)")
    return system.faults


def _switch(cluster: Cluster, pod: PodView, faults: Faults, body: Mapping[str, Any]) -> Target:
    at = time.time()
    set_fault(cluster, pod.namespace, pod.name, faults, body)
    return hit(pod, at)
