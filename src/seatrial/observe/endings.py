"""How the lives of containers ended, as the kubelet reports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import UNREAD, application_container, pod_selector, unread


@dataclass(frozen=True, slots=True)
class Ending:
    """The last end of a pod's application container."""

    pod: str
    uid: str
    reason: str
    """As the kubelet says it: OOMKilled, Error, Completed …."""
    exit_code: int
    at: float
    """Unix seconds on the node's clock, without fractions."""


def observe_endings(cluster: Cluster, namespace: str, workload: str) -> tuple[Ending, ...]:
    """Return the last end of each replica's application container, where it ended at all."""
    try:
        selector = pod_selector(cluster, namespace, workload)
        pods = cluster.core.list_namespaced_pod(namespace, label_selector=selector).items
    except UNREAD as error:
        raise unread(f"replicas of Deployment {namespace}/{workload}", error) from error
    return tuple(endings_of(pods))


def endings_of(pods: Iterable[Any]) -> Iterable[Ending]:
    """Yield the end of each application container: that which it is in, else that of its last life."""
    for pod in pods:
        container = application_container(pod)
        status = next((each for each in pod.status.container_statuses or () if each.name == container), None)
        states = (status.state, status.last_state) if status else ()
        ended = next((state.terminated for state in states if state and state.terminated), None)
        if ended and ended.finished_at:
            at = ended.finished_at.timestamp()
            yield Ending(pod.metadata.name, pod.metadata.uid, ended.reason or "", ended.exit_code, at)
