"""A service as it is published: its Service objects, their endpoints, and the replicas behind them."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import observe_endpoints, observe_pods, observe_service, ready_pods
from seatrial.observe.records import Endpoint, PodView, ServiceView
from seatrial.system import Service, System
from seatrial.system_gateway import Route


@dataclass(frozen=True, slots=True)
class Publication:
    """One Service object of a service, and the replicas that it should lead to."""

    service: Service
    name: str
    """Of the Service object."""
    view: ServiceView | None
    endpoints: tuple[Endpoint, ...]
    pods: tuple[PodView, ...]
    """The ready replicas of the workload."""


def observe_publication(cluster: Cluster, system: System, service: Service, name: str = "") -> Publication:
    """Return what is published under a Service's name (the declared one, or for instance the headless one)."""
    name = name or service.service
    return Publication(
        service,
        name,
        observe_service(cluster, system.namespace, name),
        observe_endpoints(cluster, system.namespace, name),
        observe_replicas(cluster, system, service),
    )


def observe_replicas(cluster: Cluster, system: System, service: Service) -> tuple[PodView, ...]:
    """Return the replicas of a service that should get traffic."""
    return ready_pods(observe_pods(cluster, system.namespace, service.workload))


def replica_names(cluster: Cluster, system: System) -> dict[str, frozenset[str]]:
    """Return service to the names of the replicas that should get traffic."""
    return {
        each.name: frozenset(pod.name for pod in observe_replicas(cluster, system, each)) for each in system.services
    }


def other_version(cluster: Cluster, system: System, route: Route) -> frozenset[str]:
    """Return the names of the replicas of the version that a route's split leads to; none where it has no split."""
    if route.split is None:
        return frozenset()
    return frozenset(
        each.pod for each in observe_endpoints(cluster, system.namespace, route.split.service) if each.ready
    )
