"""Waiting until pods on their way out are gone: until then they take their nodes' cores, and end connections."""

from __future__ import annotations

from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failed
from seatrial.observe.kube import UNREAD, unread
from seatrial.waiting import eventually


def await_departures(cluster: Cluster, namespace: str, *, within_seconds: float) -> None:
    """Wait until no pod of a namespace is on its way out; raises EnvironmentFault with their names when some remain."""
    try:
        eventually(
            lambda: departing(cluster, namespace),
            until=lambda names: not names,
            within_seconds=within_seconds,
            what=f"pods of {namespace} on their way out",
            expected="none left",
        )
    except Failed as error:
        raise EnvironmentFault(str(error), remedy=f"see 'kubectl get events --namespace={namespace}'") from error


def departing(cluster: Cluster, namespace: str) -> list[str]:
    """Return the names of the pods that are on their way out; raises EnvironmentFault when they cannot be read."""
    try:
        pods: Any = cluster.core.list_namespaced_pod(namespace).items
    except UNREAD as error:
        raise unread(f"the pods of {namespace}", error) from error
    return sorted(pod.metadata.name for pod in pods if pod.metadata.deletion_timestamp)
