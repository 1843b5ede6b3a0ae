"""Which objects of dead men nobody needs any more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from seatrial.chaos.deadman_objects import NAMESPACE, OUTCOME, RELEASED, Object
from seatrial.chaos.marks import DEAD_MAN
from seatrial.chaos.remedies import delete
from seatrial.chaos.undo_records import ApiUndo

GIVEN_UP = 20
"""Lease durations after which a lease that nobody renews, and no dead man has spoken of, counts as left over."""
COLLECTIONS = (
    ("/apis/batch/v1", "jobs"),
    ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    ("/api/v1", "serviceaccounts"),
    ("/api/v1", "configmaps"),
    ("/apis/coordination.k8s.io/v1", "leases"),
)
"""Where the objects are, in the order in which they are removed: the Job first, the lease last."""


def leftovers(items: Callable[[str], list[Object]], now: datetime, also: str = "") -> Iterator[ApiUndo]:
    """Yield what takes away the objects of dead men that nobody needs any more, and of the one named ``also``.

    ``items`` returns the objects of a collection. The namespace goes when no dead man is left in it.
    """
    home = items(f"/api/v1/namespaces?fieldSelector=metadata.name={NAMESPACE}")
    if not home:
        return
    leases = items(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")
    kept = {lease["metadata"]["name"] for lease in leases if is_needed(lease, now)} - {also}
    for group, kind in COLLECTIONS:
        for item in items(f"{group}/{kind}?labelSelector={DEAD_MAN}"):
            if item["metadata"]["labels"][DEAD_MAN] not in kept:
                yield delete(_path(group, kind, item["metadata"]), f"delete {kind} {item['metadata']['name']}")
    if not kept and "deletionTimestamp" not in home[0]["metadata"]:
        yield delete(f"/api/v1/namespaces/{NAMESPACE}", f"delete namespace {NAMESPACE}")


def _path(group: str, kind: str, metadata: Mapping[str, Any]) -> str:
    inside = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{group}{inside}/{kind}/{metadata['name']}"


def is_needed(lease: Object, now: datetime) -> bool:
    """Tell whether a lease is held, or its dead man has not done its work yet."""
    annotations = lease["metadata"].get("annotations") or {}
    if RELEASED in annotations or OUTCOME in annotations:
        return False
    spec = lease["spec"]
    renewed = datetime.fromisoformat(spec["renewTime"])
    return bool((now - renewed).total_seconds() < GIVEN_UP * spec["leaseDurationSeconds"])
