"""Changes of a Deployment's pod template, as raw JSON. Pure: nothing here speaks to a cluster."""

from __future__ import annotations

import json
from typing import Any

from seatrial.chaos.marks import TEMPLATE_BEFORE
from seatrial.cluster.patch import Object
from seatrial.observe.kube import DEFAULT_CONTAINER

NEVER_READY = "/seatrial-never-ready"
"""A path that no readiness endpoint answers: a replica that is asked for it is never ready."""
RESTARTED = "seatrial.dev/restarted-at"
"""Annotation of the pod template; a new value makes all replicas anew."""


def restarted(at: float) -> Object:
    """Return the change after which the Deployment replaces all its replicas in turn."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: f"{at:.3f}"}}}}}


def spoilt(deployment: Object) -> Object | None:
    """Return the change to a version that is never ready, and that remembers the one before.

    None when readiness of its application container is not asked by HTTP: then no path could be wrong.
    """
    template = deployment["spec"]["template"]
    container = _application(template)
    if not container.get("readinessProbe", {}).get("httpGet"):
        return None
    wrong = {"name": container["name"], "readinessProbe": {"httpGet": {"path": NEVER_READY}}}
    return {
        "metadata": {"annotations": {TEMPLATE_BEFORE: json.dumps(template, separators=(",", ":"))}},
        "spec": {"template": {"spec": {"containers": [wrong]}}},
    }


def is_spoilt(template: Object) -> bool:
    """Tell whether a template, or that of a ReplicaSet, is of a version that is never ready."""
    probes = (each.get("readinessProbe", {}) for each in template["spec"]["containers"])
    return any(probe.get("httpGet", {}).get("path") == NEVER_READY for probe in probes)


def unspoilt(template: Object) -> Object:
    """Return the change back to a template, exactly: what the other one had besides goes, too."""
    return {
        "metadata": {"annotations": {TEMPLATE_BEFORE: None}},
        "spec": {"template": {"$patch": "replace", **template}},
    }


def template_before(deployment: Object) -> Object | None:
    """Return the template that a Deployment had before it was spoilt; None when it was not."""
    kept = _annotations(deployment).get(TEMPLATE_BEFORE)
    found: Object | None = json.loads(kept) if kept else None
    return found


def restarted_at(deployment: Object) -> str:
    """Return the mark of the last restart that an experiment asked for, empty when none did."""
    return str(_annotations(deployment["spec"]["template"]).get(RESTARTED, ""))


def _application(template: Object) -> Object:
    """Return the container that kubectl asks by default: the annotated one, else the first."""
    containers: list[Object] = template["spec"]["containers"]
    wanted = _annotations(template).get(DEFAULT_CONTAINER)
    return next((each for each in containers if each["name"] == wanted), containers[0])


def _annotations(item: Object) -> dict[str, Any]:
    return item.get("metadata", {}).get("annotations") or {}
