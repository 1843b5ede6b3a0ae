"""Deployments with fewer replicas for a while: the number before stands in an annotation of the Deployment itself."""

from __future__ import annotations

import time
from typing import Any

from seatrial.chaos.marks import REPLICAS_BEFORE
from seatrial.chaos.undo import ApiUndo, record
from seatrial.cluster.client import Cluster
from seatrial.cluster.patch import MERGE, Object, deployment_path, patch_object, patch_path, read_object


def shrink(cluster: Cluster, namespace: str, name: str, replicas: int) -> dict[str, Any]:
    """Ask for fewer replicas of a Deployment; how to undo it is written down before, here and in the annotation.

    Raises EnvironmentFault when the API server refuses or does not answer.
    """
    path = deployment_path(namespace, name)
    found = read_object(cluster, path)
    before = replicas_before(found) or found["spec"]["replicas"]
    note = f"Deployment {namespace}/{name} had {before} replicas"
    record(ApiUndo("PATCH", patch_path(path), regrown(before), MERGE, note))
    at = time.time()
    patch_object(cluster, path, {**_marked(str(before)), "spec": {"replicas": replicas}})
    return {"deployment": f"{namespace}/{name}", "uid": found["metadata"]["uid"], "before": before, "at": at}


def regrow(cluster: Cluster, namespace: str, name: str) -> dict[str, Any] | None:
    """Give a Deployment its replicas back; None when it was not made smaller. May be repeated at will.

    One that has as many again, because somebody scaled it, or applied its manifest, only loses the annotation.
    """
    path = deployment_path(namespace, name)
    found = read_object(cluster, path)
    before = replicas_before(found)
    if not before:
        return None
    at = time.time()
    patch_object(cluster, path, regrown(before) if found["spec"]["replicas"] < before else _marked(None))
    return {"deployment": f"{namespace}/{name}", "replicas": before, "at": at}


def regrown(before: int) -> Object:
    """Return the change back to so many replicas."""
    return {**_marked(None), "spec": {"replicas": before}}


def replicas_before(deployment: Object) -> int:
    """Return how many replicas a Deployment had before it was made smaller, 0 when it was not."""
    annotations = deployment["metadata"].get("annotations") or {}
    return int(annotations.get(REPLICAS_BEFORE, 0))


def _marked(before: str | None) -> Object:
    return {"metadata": {"annotations": {REPLICAS_BEFORE: before}}}
