"""Probes of the experiments' steady state."""

from __future__ import annotations

import time
from collections.abc import Callable

from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_endpoints, observe_workload
from seatrial.system import Service, System

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to those who heal."""


def system_is_whole(within_seconds: float = 0.0) -> bool:
    """Tell whether every service has all its replicas available and published, waiting so long for it."""
    cluster, system = cluster_here(), system_here()
    return comes_true(lambda: is_whole(cluster, system), within_seconds)


def comes_true(look: Callable[[], bool], within_seconds: float) -> bool:
    """Tell whether something is the case, or comes to be within the bound; the first look is at once."""
    deadline = time.monotonic() + within_seconds
    while not look():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_whole(cluster: Cluster, system: System) -> bool:
    """Tell whether every service has all its replicas available and published at this moment."""
    return all(is_service_whole(cluster, system, service) for service in system.services)


def is_service_whole(cluster: Cluster, system: System, service: Service) -> bool:
    """Tell whether one service has all its replicas available and published at this moment."""
    workload = observe_workload(cluster, system.namespace, service.workload)
    endpoints = observe_endpoints(cluster, system.namespace, service.service)
    published = sum(1 for endpoint in endpoints if endpoint.ready)
    return workload.replicas == workload.available == published
