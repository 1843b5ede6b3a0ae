"""Replicas whose share of the cores is burnt, from their nodes."""

from __future__ import annotations

import time
from contextlib import suppress

from seatrial.chaos import limits, undo
from seatrial.chaos.actions.finding import Target, hit, matching, replicas_of, targets_of
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster import stress
from seatrial.errors import EnvironmentFault
from seatrial.observe.flow import at_once
from seatrial.observe.records import PodView


def stress_cpu(targets: str, workers: int, seconds: float) -> list[Target]:
    """Run busy loops in the control group of every ready replica whose name matches; does not wait.

    They end by themselves after ``seconds``, whoever is gone by then.
    """
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    limits.permit(cluster, system, limits.Harm(pods=found))
    for pod in found:
        undo.record(undo.NodeUndo(pod.node, "end-stress", "", f"end the busy loops beside {pod.name}"))

    def burn(pod: PodView) -> Target:
        at = time.time()
        stress.burn(pod.node, pod.container_id, workers=workers, seconds=seconds)
        return hit(pod, at)

    return at_once(burn, found)


def end_stress(targets: str) -> bool:
    """End the busy loops of every replica whose name matches."""
    for pod in matching(targets, replicas_of(cluster_here(), system_here())):
        with suppress(EnvironmentFault):
            stress.end_burn(pod.node, pod.container_id)
    return True
