"""What replicas use of CPU and memory, by the metrics API that autoscalers ask, and what they asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from kubernetes.utils.quantity import parse_quantity

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import UNREAD, pod_selector, unread
from seatrial.waiting import look_until

POLL_SECONDS = 2.0
ALWAYS = "Always"
"""Restart policy of an init container that runs beside the others: it counts as they do."""

Amounts = Mapping[str, float]
"""Resource to amount: ``cpu`` in cores, ``memory`` in bytes."""
Containers = Mapping[str, Amounts]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the metrics API says of the pods of a namespace."""

    pods: Mapping[str, Containers] = field(default_factory=dict)
    error: str = ""
    """Why it says nothing, empty when it does."""

    def of(self, pod: str, resource: str) -> float:
        """Return what a pod uses, all its containers together."""
        return sum(each[resource] for each in self.pods[pod].values())


def observe_usage(cluster: Cluster, namespace: str) -> Usage:
    """Ask the metrics API; that it does not answer is data: an autoscaler is told the same."""
    try:
        with cluster.http() as http:
            answer = http.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"the API server does not answer: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        return Usage(error=f"HTTP {answer.status_code} {' '.join(answer.text.split())[:200]}")
    return Usage({each["metadata"]["name"]: _containers(each) for each in answer.json()["items"]})


def await_usage(cluster: Cluster, namespace: str, pods: Iterable[str], *, within_seconds: float) -> Usage:
    """Return the usage when all of these pods are in it, or as it is when the bound is over."""
    names = set(pods)
    return look_until(
        lambda: observe_usage(cluster, namespace),
        until=lambda usage: names <= usage.pods.keys(),
        within_seconds=within_seconds,
        every_seconds=POLL_SECONDS,
    )


def observe_asked(cluster: Cluster, namespace: str, workload: str) -> Mapping[str, Containers]:
    """Return what each container of each replica of a Deployment asks for; a resource that it leaves out is missing."""
    try:
        selector = pod_selector(cluster, namespace, workload)
        pods: Any = cluster.core.list_namespaced_pod(namespace, label_selector=selector).items
    except UNREAD as error:
        raise unread(f"replicas of Deployment {namespace}/{workload}", error) from error
    return {pod.metadata.name: _asked(pod) for pod in pods if pod.metadata.deletion_timestamp is None}


def _asked(pod: Any) -> Containers:
    beside = [each for each in pod.spec.init_containers or () if each.restart_policy == ALWAYS]
    found = {
        each.name: each.resources.requests or {} if each.resources else {} for each in (*beside, *pod.spec.containers)
    }
    return {name: _amounts(each) for name, each in found.items()}


def _containers(item: Mapping[str, Any]) -> Containers:
    return {each["name"]: _amounts(each["usage"]) for each in item["containers"]}


def _amounts(written: Mapping[str, str]) -> Amounts:
    return {key: float(parse_quantity(value)) for key, value in written.items()}  # type: ignore[no-untyped-call]
