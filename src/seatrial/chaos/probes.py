"""Probes of the experiments' steady state."""

from __future__ import annotations

import time

from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_endpoints, observe_workload
from seatrial.system import System

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to those who heal."""


def system_is_whole(within_seconds: float = 0.0) -> bool:
    """Tell whether every service has all its replicas available and published, waiting so long for it."""
    cluster, system = cluster_here(), system_here()
    deadline = time.monotonic() + within_seconds
    while not is_whole(cluster, system):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_whole(cluster: Cluster, system: System) -> bool:
    """Tell whether every service has all its replicas available and published at this moment."""
    for service in system.services:
        workload = observe_workload(cluster, system.namespace, service.workload)
        endpoints = observe_endpoints(cluster, system.namespace, service.service)
        published = sum(1 for endpoint in endpoints if endpoint.ready)
        if not workload.replicas == workload.available == published:
            return False
    return True
