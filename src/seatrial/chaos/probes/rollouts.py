"""Probes of one service's versions and of the number of its replicas; each returns a plain yes or no."""

from __future__ import annotations

from typing import Any

from seatrial.chaos.actions.rollouts import named_service
from seatrial.chaos.probes.steady import POLL_SECONDS, comes_true
from seatrial.chaos.shrinking import replicas_before
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.templates import RESTARTED, is_spoilt, restarted_at, template_before
from seatrial.cluster.client import Cluster
from seatrial.cluster.patch import Object, deployment_path, read_object
from seatrial.errors import Failed
from seatrial.observe.kube import UNREAD, observe_endpoints, pod_selector, unread
from seatrial.system import Service, System
from seatrial.waiting import consistently


def every_replica_is_new(service: str, within_seconds: float) -> bool:
    """Tell whether a service that was restarted has none but replicas of the restart, all of them ready."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)
    return comes_true(lambda: _is_renewed(cluster, system, meant), within_seconds)


def new_version_is_stuck(service: str, within_seconds: float, for_seconds: float) -> bool:
    """Tell whether a replica of the bad version comes to run, and then none of them is ready for so long."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)
    if not comes_true(lambda: _bad_replicas(cluster, system, meant)[0] > 0, within_seconds):
        return False
    try:
        consistently(
            lambda: _bad_replicas(cluster, system, meant),
            holds=lambda found: found[0] > 0 and found[1] == 0,
            for_seconds=for_seconds,
            what=f"{meant.name}: running and ready replicas of the bad version",
            every_seconds=POLL_SECONDS,
        )
    except Failed:
        return False
    return True


def former_version_is_back(service: str, within_seconds: float) -> bool:
    """Tell whether a service has its former template again, and no replica of the bad version."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)

    def is_back() -> bool:
        found = _deployment(cluster, system, meant)
        spoilt = is_spoilt(found["spec"]["template"]) or template_before(found) is not None
        return not spoilt and not any(each.get("replicas") for each in _bad_statuses(cluster, system, meant))

    return comes_true(is_back, within_seconds)


def replicas_are_fewer(service: str, within_seconds: float) -> bool:
    """Tell whether a service that was made smaller is published with just those that are left, at least one."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)

    def are_fewer() -> bool:
        found = _deployment(cluster, system, meant)
        left: int = found["spec"]["replicas"]
        return 0 < _published(cluster, system, meant) == left < replicas_before(found)

    return comes_true(are_fewer, within_seconds)


def replicas_are_back(service: str, within_seconds: float) -> bool:
    """Tell whether a service is no longer made smaller, and all its replicas are published."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)

    def are_back() -> bool:
        found = _deployment(cluster, system, meant)
        return not replicas_before(found) and _published(cluster, system, meant) == found["spec"]["replicas"]

    return comes_true(are_back, within_seconds)


def is_renewed(deployment: Object, pods: list[Any]) -> bool:
    """Tell whether the pods of a restarted Deployment are all of the restart, ready, and as many as it wants; pure."""
    mark = restarted_at(deployment)
    new = [pod for pod in pods if (pod.metadata.annotations or {}).get(RESTARTED) == mark and _is_ready(pod)]
    wanted: int = deployment["spec"]["replicas"]
    return bool(mark) and len(new) == len(pods) == wanted


def _is_renewed(cluster: Cluster, system: System, service: Service) -> bool:
    try:
        selector = pod_selector(cluster, system.namespace, service.workload)
        pods: list[Any] = list(cluster.core.list_namespaced_pod(system.namespace, label_selector=selector).items)
    except UNREAD as error:
        raise unread(f"replicas of Deployment {system.namespace}/{service.workload}", error) from error
    living = [pod for pod in pods if not pod.metadata.deletion_timestamp]
    return is_renewed(_deployment(cluster, system, service), living)


def _is_ready(pod: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ())


def _deployment(cluster: Cluster, system: System, service: Service) -> Object:
    return read_object(cluster, deployment_path(system.namespace, service.workload))


def _bad_replicas(cluster: Cluster, system: System, service: Service) -> tuple[int, int]:
    """Return how many replicas of the bad version run, and how many are ready."""
    statuses = _bad_statuses(cluster, system, service)
    ready = sum(each.get("readyReplicas", 0) for each in statuses)
    return _running_bad(cluster, system, service), ready


def _bad_statuses(cluster: Cluster, system: System, service: Service) -> list[Object]:
    return [each.get("status", {}) for each in _bad_sets(cluster, system, service)]


def _bad_sets(cluster: Cluster, system: System, service: Service) -> list[Object]:
    path = f"/apis/apps/v1/namespaces/{system.namespace}/replicasets"
    found: list[Object] = read_object(cluster, path)["items"]
    owned = (each for each in found if _owner(each) == service.workload)
    return [each for each in owned if is_spoilt(each["spec"]["template"])]


def _running_bad(cluster: Cluster, system: System, service: Service) -> int:
    hashes = {each["metadata"]["labels"]["pod-template-hash"] for each in _bad_sets(cluster, system, service)}
    pods = read_object(cluster, f"/api/v1/namespaces/{system.namespace}/pods")["items"]
    bad = [each for each in pods if each["metadata"].get("labels", {}).get("pod-template-hash") in hashes]
    return sum(1 for each in bad if each["status"].get("phase") == "Running")


def _owner(item: Object) -> str:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(each["name"]) for each in owners if each["kind"] == "Deployment"), "")


def _published(cluster: Cluster, system: System, service: Service) -> int:
    endpoints = observe_endpoints(cluster, system.namespace, service.service)
    return sum(1 for each in endpoints if each.ready)
