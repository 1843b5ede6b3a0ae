"""Which objects of dead men, and of the accounts of experiments, nobody needs any more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from seatrial.chaos.deadman_objects import NAMESPACE, OUTCOME, RELEASED, Object
from seatrial.chaos.marks import ACCOUNT, DEAD_MAN
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
"""Where the objects of dead men are, in the order in which they are removed: the Job first, the lease last."""
OF_ACCOUNTS = COLLECTIONS[1:6]
Items = Callable[[str], list[Object] | None]


def leftovers(items: Items, now: datetime, also: str = "") -> Iterator[ApiUndo]:
    """Yield what takes away the objects of dead men that nobody needs any more, and of the one named ``also``.

    ``items`` returns the objects of a collection, None where looking is not allowed: who cannot see the leases cannot
    tell what is needed. When no dead man is left, no experiment runs: then the accounts of experiments go, too, and the
    namespace.
    """
    home = items(f"/api/v1/namespaces?fieldSelector=metadata.name={NAMESPACE}")
    leases = items(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases") if home else []
    if home is None or leases is None:
        return
    kept = {lease["metadata"]["name"] for lease in leases if is_needed(lease, now)} - {also}
    if home:
        yield from _deletions(items, COLLECTIONS, DEAD_MAN, kept)
    if not kept:
        yield from _deletions(items, OF_ACCOUNTS, ACCOUNT, kept)
    if home and not kept and "deletionTimestamp" not in home[0]["metadata"]:
        yield delete(f"/api/v1/namespaces/{NAMESPACE}", f"delete namespace {NAMESPACE}")


def _deletions(
    items: Items, collections: Iterable[tuple[str, str]], label: str, kept: Container[str]
) -> Iterator[ApiUndo]:
    for group, kind in collections:
        for item in items(f"{group}/{kind}?labelSelector={label}") or ():
            if item["metadata"]["labels"][label] not in kept:
                yield delete(_path(group, kind, item["metadata"]), f"delete {kind} {item['metadata']['name']}")


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
