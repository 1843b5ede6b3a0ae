"""What the system lacks of its steady state, in words."""

from __future__ import annotations

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_endpoints, observe_workload
from seatrial.system import Service, System


def shortfalls(cluster: Cluster, system: System) -> tuple[str, ...]:
    """Return what each service lacks at this moment, one line each; raises EnvironmentFault when it cannot be read."""
    return tuple(filter(None, (shortfall(cluster, system, service) for service in system.services)))


def shortfall(cluster: Cluster, system: System, service: Service) -> str:
    """Return what one service lacks, empty when it is whole; raises as :func:`shortfalls` does."""
    workload = observe_workload(cluster, system.namespace, service.workload)
    endpoints = observe_endpoints(cluster, system.namespace, service.service)
    published = sum(1 for endpoint in endpoints if endpoint.ready)
    if min(workload.available, published) >= workload.replicas:  # more of them while it is rolled out
        return ""
    return (
        f"{service.name} has {workload.available} available and {published} published of {workload.replicas} replicas"
    )
