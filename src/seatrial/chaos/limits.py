"""How much harm one experiment may do."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import GuardRefusal
from seatrial.observe.kube import observe_pods, ready_pods
from seatrial.observe.records import PodView
from seatrial.system import System

LIMITS = "SEATRIAL_LIMITS"
DEFAULTS: dict[str, Any] = {"pods": 4, "percent_ready": 50, "nodes": 1, "total_loss": False}


@dataclass(frozen=True)
class Harm:
    """What is about to suffer."""

    pods: tuple[PodView, ...] = ()
    nodes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


def permit(cluster: Cluster, system: System, harm: Harm) -> None:
    """Raise GuardRefusal when the harm is done to a cluster that is not ours, or goes beyond the limits."""
    require_owned(cluster)
    limits = DEFAULTS | json.loads(os.environ.get(LIMITS, "{}"))
    for what in ("pods", "nodes"):
        if len(getattr(harm, what)) > limits[what]:
            raise GuardRefusal(f"{len(getattr(harm, what))} {what} would suffer, and {limits[what]} may")
    for service in system.services:
        ready = ready_pods(observe_pods(cluster, system.namespace, service.workload))
        lost = {pod.uid for pod in ready} & {pod.uid for pod in harm.pods}
        if lost and len(lost) == len(ready) and not limits["total_loss"]:
            raise GuardRefusal(f"{service.name} would lose its last ready replica")
