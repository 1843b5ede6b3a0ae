"""Probes that look whether a fault really happened: no effect, no verdict."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from seatrial.chaos.ledger import open_ledger
from seatrial.chaos.limits import limits_here
from seatrial.chaos.probes import POLL_SECONDS
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import PodView
from seatrial.system import System


def replicas_are_gone(name_pattern: str, within_seconds: float = 0.0) -> bool:
    """Tell whether no replica of that name is left but on its way out, waiting so long for it."""
    cluster, system = cluster_here(), system_here()

    def are_gone() -> bool:
        left = [pod for pod in _replicas(cluster, system) if re.search(name_pattern, pod.name)]
        return all(pod.terminating for pod in left)

    return _comes_true(are_gone, within_seconds)


def harmed_were_restarted(within_seconds: float = 0.0) -> bool:
    """Tell whether each replica that the run was permitted to harm was restarted since, waiting so long for it."""
    cluster, system = cluster_here(), system_here()
    with open_ledger(limits_here().ledger) as ledger:
        harmed = ledger.done.pods

    def were_restarted() -> bool:
        now = {pod.uid: pod.restarts for pod in _replicas(cluster, system)}
        return bool(harmed) and all(now.get(uid, 0) > pod.restarts for uid, pod in harmed.items())

    return _comes_true(were_restarted, within_seconds)


def _replicas(cluster: Cluster, system: System) -> list[PodView]:
    return [pod for each in system.services for pod in observe_pods(cluster, system.namespace, each.workload)]


def _comes_true(look: Callable[[], bool], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while not look():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
