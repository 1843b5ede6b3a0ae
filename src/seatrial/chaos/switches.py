"""The fault switches of a replica, reached through the API server's pod proxy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import EnvironmentFault
from seatrial.system import Faults

ANSWER_SECONDS = 5.0


def set_fault(cluster: Cluster, namespace: str, pod: str, faults: Faults, body: Mapping[str, Any]) -> None:
    """Switch a fault of one replica; raises GuardRefusal elsewhere than on ours, EnvironmentFault when it fails."""
    require_owned(cluster)
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.put(switch_path(namespace, pod, faults), json=dict(body))
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"the fault switches of {namespace}/{pod} do not answer: {error!r}") from error
    if answer.status_code != 200:
        told = f"HTTP {answer.status_code} {answer.text[:200]}"
        raise EnvironmentFault(f"the fault switches of {namespace}/{pod} refuse {dict(body)}: {told}")


def switch_path(namespace: str, pod: str, faults: Faults) -> str:
    """Return the path at which the API server hands requests on to the fault switches of a replica."""
    return f"/api/v1/namespaces/{namespace}/pods/http:{pod}:{faults.port}/proxy{faults.path}"


@contextmanager
def switched(cluster: Cluster, namespace: str, pod: str, faults: Faults, body: Mapping[str, Any]) -> Iterator[None]:
    """Keep a fault of one replica on, and have it as it was afterwards; raises as :func:`set_fault` does."""
    set_fault(cluster, namespace, pod, faults, body)
    try:
        yield
    finally:
        set_fault(cluster, namespace, pod, faults, faults.ready)


@contextmanager
def all_switched(
    cluster: Cluster, namespace: str, pods: Iterable[str], faults: Faults, body: Mapping[str, Any]
) -> Iterator[None]:
    """Keep the same fault of several replicas on, as :func:`switched` does."""
    with ExitStack() as stack:
        for pod in pods:
            stack.enter_context(switched(cluster, namespace, pod, faults, body))
        yield
