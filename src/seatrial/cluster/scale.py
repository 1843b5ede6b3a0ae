"""Changing the number of replicas."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.observe.kube import UNREAD, cannot_be, observe_endpoints, observe_pods, ready_pods
from seatrial.system import Service, System
from seatrial.waiting import eventually


def set_replicas(cluster: Cluster, system: System, replicas: Mapping[str, int]) -> None:
    """Ask for a number of replicas of each named service; does not wait.

    Raises GuardRefusal elsewhere than on ours, and EnvironmentFault when the API server refuses or does not answer.
    """
    require_owned(cluster)
    for name, number in replicas.items():
        workload, body = system.service(name).workload, {"spec": {"replicas": number}}
        try:
            cluster.apps.patch_namespaced_deployment_scale(workload, system.namespace, body)
        except UNREAD as error:
            raise cannot_be("scaled", f"Deployment {system.namespace}/{workload}", error) from error


def scale(cluster: Cluster, system: System, replicas: Mapping[str, int]) -> None:
    """Set the number of replicas of each named service and wait until replicas and endpoints are that many.

    Raises Failed with the numbers seen when they are not within ``rollout_seconds``.
    """
    set_replicas(cluster, system, replicas)
    for name, number in replicas.items():
        service = system.service(name)
        eventually(
            lambda service=service: _numbers(cluster, system, service),  # type: ignore[misc]
            until=lambda seen, number=number: seen == (number, number),  # type: ignore[misc]
            within_seconds=system.tolerances.rollout_seconds,
            what=f"{name}: ready replicas and endpoints after scaling to {number}",
        )


def _numbers(cluster: Cluster, system: System, service: Service) -> tuple[int, int]:
    pods = ready_pods(observe_pods(cluster, system.namespace, service.workload))
    endpoints = [each for each in observe_endpoints(cluster, system.namespace, service.service) if each.ready]
    return len(pods), len(endpoints)
