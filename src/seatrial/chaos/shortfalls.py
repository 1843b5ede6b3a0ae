"""What the system lacks of its steady state, in words."""

from __future__ import annotations

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_endpoints, observe_workload
from seatrial.system import System


def shortfalls(cluster: Cluster, system: System) -> tuple[str, ...]:
    """Return what each service lacks at this moment, one line each; raises EnvironmentFault when it cannot be read."""
    found = []
    for service in system.services:
        workload = observe_workload(cluster, system.namespace, service.workload)
        endpoints = observe_endpoints(cluster, system.namespace, service.service)
        published = sum(1 for endpoint in endpoints if endpoint.ready)
        if not workload.replicas == workload.available == published:
            told = f"{workload.available} available and {published} published"
            found.append(f"{service.name} has {told} of {workload.replicas} replicas")
    return tuple(found)
