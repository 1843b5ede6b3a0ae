"""Asking the API server to evict a pod, as whoever drains a node does: its PodDisruptionBudget may say no."""

from __future__ import annotations

from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import PodView

ANSWER_SECONDS = 10.0


def evict(cluster: Cluster, pod: PodView, *, dry_run: bool = False) -> int:
    """Ask for the eviction of exactly this pod; with a dry run nothing happens, whatever the answer is.

    Returns the HTTP status: 201 granted, 429 refused by a budget. Raises GuardRefusal elsewhere than on ours, and
    EnvironmentFault when the API server gives another answer, or none.
    """
    require_owned(cluster)
    options: dict[str, Any] = {"preconditions": {"uid": pod.uid}, **({"dryRun": ["All"]} if dry_run else {})}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod.name, "namespace": pod.namespace}}
    what = f"Pod {pod.namespace}/{pod.name} cannot be evicted"
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.post(
                f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/eviction", json=body | {"deleteOptions": options}
            )
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"{what}: {error!r}") from error
    if answer.status_code not in (httpx.codes.CREATED, httpx.codes.TOO_MANY_REQUESTS):
        raise EnvironmentFault(f"{what}: HTTP {answer.status_code} {answer.text[:200]}")
    return answer.status_code
