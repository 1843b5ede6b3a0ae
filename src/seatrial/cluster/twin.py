"""Twins: a second Service over the same replicas, equal but for one thing that a trial asks about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_endpoints, observe_service
from seatrial.observe.records import ServiceView
from seatrial.system import System
from seatrial.waiting import eventually

SUFFIX = "sticky"


@contextmanager
def sticky_twins(cluster: Cluster, system: System) -> Iterator[Mapping[str, str]]:
    """Publish a twin with client affinity of each Service; yields service name to the twin's name, then removes them.

    The system's own Services stay untouched.
    """
    require_owned(cluster)
    views = [(service, observe_service(cluster, system.namespace, service.service)) for service in system.services]
    twins = [sticky_twin(view) for _, view in views if view]
    if len(twins) != len(views):
        raise EnvironmentFault(f"a Service of {system.namespace} is missing, so that it can have no twin")
    try:
        deploy.apply(cluster, twins)
        for service, _ in views:
            name = f"{service.service}-{SUFFIX}"
            wanted = _ready(cluster, system, service.service)
            eventually(
                lambda name=name: _ready(cluster, system, name),  # type: ignore[misc]
                until=lambda seen, wanted=wanted: seen == wanted,  # type: ignore[misc]
                within_seconds=system.tolerances.propagation_seconds,
                what=f"{name}: the same endpoints as {service.service}",
            )
        yield {service.name: f"{service.service}-{SUFFIX}" for service, _ in views}
    finally:
        deploy.delete(cluster, twins)


def sticky_twin(view: ServiceView) -> deploy.Object:
    """Return a Service with the selector and ports of another, and affinity by client address."""
    ports = [
        {"name": port.name, "port": port.port, "targetPort": _target(port.target), "protocol": port.protocol}
        for port in view.ports
    ]
    spec = {"selector": dict(view.selector), "ports": ports, "sessionAffinity": "ClientIP"}
    metadata = {"name": f"{view.name}-{SUFFIX}", "namespace": view.namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _target(target: str) -> str | int:
    return int(target) if target.isdigit() else target


def _ready(cluster: Cluster, system: System, name: str) -> frozenset[str]:
    return frozenset(each.address for each in observe_endpoints(cluster, system.namespace, name) if each.ready)
