"""What was applied last into a namespace, kept there: an overlay that replaces another one leaves nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kubernetes.client.exceptions import ApiException

from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import Object
from seatrial.errors import EnvironmentFault

NAME = "seatrial-inventory"
KEY = "objects.json"


def replace(
    cluster: Cluster,
    objects: Sequence[Object],
    namespace: str,
    *,
    within_seconds: float,
    lent: Callable[[], Iterable[Object]] = tuple,
) -> None:
    """Bring the namespace to what these objects say, and remove what an earlier call applied and this one does not.

    What is ``lent`` belongs to others, who have it as these objects say: it is given back instead. The inventory names
    all of it until all is done, so that an interrupted call is made good by the next.
    """
    before, now = _read(cluster, namespace), [_reference(item) for item in objects]
    stale = [item for item in before if item not in now]
    if before:
        _write(cluster, namespace, [*now, *stale])
    deploy.restore(cluster, objects, within_seconds=within_seconds)
    if stale:
        _give_up(cluster, stale, lent())
    _write(cluster, namespace, now)


def _give_up(cluster: Cluster, stale: Sequence[Object], lent: Iterable[Object]) -> None:
    owned = [item for item in lent if _reference(item) in stale]
    if owned:
        deploy.apply(cluster, owned)
    references = [_reference(item) for item in owned]
    ours = [item for item in stale if item not in references]
    if ours:
        deploy.delete(cluster, ours)


def _reference(item: Object) -> Object:
    """Return what names an object."""
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def _read(cluster: Cluster, namespace: str) -> list[Object]:
    try:
        found: Any = cluster.core.read_namespaced_config_map(NAME, namespace)
    except ApiException as error:
        if error.status == 404:
            return []
        raise EnvironmentFault(f"ConfigMap {namespace}/{NAME} cannot be read: {error.status} {error.reason}") from error
    return list(json.loads(found.data[KEY]))


def _write(cluster: Cluster, namespace: str, references: Sequence[Object]) -> None:
    metadata = {"name": NAME, "namespace": namespace}
    data = {KEY: json.dumps(list(references))}
    deploy.apply(cluster, [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])
