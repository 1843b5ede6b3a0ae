"""Proof that the system is back: whole, on nodes that are ready, and with nothing left of any fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.chaos.remains import find_in_api, find_on_nodes
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failure, fail_on
from seatrial.observe.kube import UNREAD, observe_endpoints, observe_workload, unread
from seatrial.observe.records import Endpoint, Workload
from seatrial.system import Service, System
from seatrial.waiting import looks

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to those who heal."""
DNS = ("kube-system", "coredns")
"""Deployment of the cluster's DNS, as kubeadm makes it; a cluster that has another one is not judged by it."""


def prove_steady(cluster: Cluster, system: System, within_seconds: float) -> None:
    """Return when nothing is missing; raises Failed with all that is, when the bound (seconds) is over."""
    failures: list[Failure] = []
    for _ in looks(within_seconds, POLL_SECONDS):
        failures = missing(cluster, system)
        if not failures:
            return
    fail_on(failures)


def missing(cluster: Cluster, system: System) -> list[Failure]:
    """Return what the system lacks at this moment; what is left of faults is looked for when all is whole."""
    try:
        return [*_unwell(cluster, system)] or [*left_behind(cluster, system)]
    except EnvironmentFault as error:
        return [Failure("the cluster cannot be looked at", "an answer", str(error), hint="API server, or the engine")]


def left_behind(cluster: Cluster, system: System) -> Iterator[Failure]:
    """Yield what is left of faults; raises EnvironmentFault when that cannot be looked at."""
    api = find_in_api(cluster, system)
    notes = [*(undo.note for undo in find_on_nodes(cluster)), *(undo.note for undo in api.undos)]
    for note in notes:
        yield Failure(f"a fault is left behind: {note}", "nothing left to undo", "still to do")
    for path in api.unseen:
        yield Failure(f"{path} cannot be looked at", "nothing left to undo", "HTTP 403", hint="the credentials' rights")


def _unwell(cluster: Cluster, system: System) -> Iterator[Failure]:
    try:
        nodes: Any = cluster.core.list_node(_request_timeout=10).items
        found: Any = cluster.apps.list_namespaced_deployment(DNS[0]).items
    except UNREAD as error:
        raise unread("nodes and Deployments", error) from error
    for node in nodes:
        if not any(each.type == "Ready" and each.status == "True" for each in node.status.conditions or ()):
            yield Failure(
                f"node {node.metadata.name} is not ready", "Ready", "not Ready", hint="kubelet, or its container"
            )
    if any(item.metadata.name == DNS[1] for item in found):
        yield from short_of(f"the cluster's DNS (Deployment {'/'.join(DNS)})", observe_workload(cluster, *DNS))
    for service in system.services:
        workload = observe_workload(cluster, system.namespace, service.workload)
        endpoints = observe_endpoints(cluster, system.namespace, service.service)
        yield from incomplete(system, service, workload, endpoints)


def short_of(subject: str, workload: Workload) -> Iterator[Failure]:
    """Yield a failure when not all replicas are available, or none is wanted."""
    if workload.available < max(workload.replicas, 1) or workload.available > workload.replicas:
        observed = f"{workload.available} available of {workload.replicas}"
        yield Failure(f"{subject}: its replicas are not whole", "all replicas available", observed)


def incomplete(
    system: System, service: Service, workload: Workload, endpoints: tuple[Endpoint, ...]
) -> Iterator[Failure]:
    """Yield a failure when replicas are missing, or not all of them are published."""
    subject = f"{service.name} (Deployment {system.namespace}/{service.workload})"
    yield from short_of(subject, workload)
    published = sum(1 for endpoint in endpoints if endpoint.ready)
    if published != workload.available:
        observed = f"{published} published of {workload.available} available"
        yield Failure(f"{subject}: its endpoints are not whole", "every available replica published", observed)
