"""The undos of what faults do to objects: written down by who does it, and made anew by who only finds the marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.chaos.marks import CORDONED, REPLICAS_BEFORE, TEMPLATE_BEFORE
from seatrial.chaos.undo_records import JSON_PATCH, MERGE, PLAIN, ApiUndo
from seatrial.system import Faults


def uncordon(node: str) -> ApiUndo:
    """Let pods be put onto a node again, and take its mark away."""
    body = {"metadata": {"annotations": {CORDONED: None}}, "spec": {"unschedulable": None}}
    return ApiUndo("PATCH", f"/api/v1/nodes/{node}", body, MERGE, f"uncordon node {node}")


def scale_back(namespace: str, deployment: str, replicas: int) -> ApiUndo:
    """Have a Deployment ask for as many replicas as before, and take its mark away."""
    body = {"metadata": {"annotations": {REPLICAS_BEFORE: None}}, "spec": {"replicas": replicas}}
    note = f"bring Deployment {namespace}/{deployment} back to {replicas} replicas"
    return ApiUndo("PATCH", _deployment(namespace, deployment), body, MERGE, note)


def roll_back(namespace: str, deployment: str, template: Mapping[str, Any]) -> ApiUndo:
    """Have a Deployment make its pods by the template that it had before, whole, and take its mark away.

    A merge would keep what the fault added to it, so the template is replaced. The mark is set to nothing first: to
    remove one that is not there is an error.
    """
    mark = f"/metadata/annotations/{TEMPLATE_BEFORE.replace('/', '~1')}"
    body = [
        {"op": "add", "path": mark, "value": ""},
        {"op": "remove", "path": mark},
        {"op": "replace", "path": "/spec/template", "value": dict(template)},
    ]
    note = f"roll Deployment {namespace}/{deployment} back to the template that it had"
    return ApiUndo("PATCH", _deployment(namespace, deployment), body, JSON_PATCH, note)


def switch_off(namespace: str, pod: str, faults: Faults) -> ApiUndo:
    """Have a replica be as it was, by its fault switches."""
    path = f"/api/v1/namespaces/{namespace}/pods/http:{pod}:{faults.port}/proxy{faults.path}"
    return ApiUndo("PUT", path, dict(faults.ready), PLAIN, f"switch the faults of pod {namespace}/{pod} off")


def delete(path: str, note: str) -> ApiUndo:
    """Delete an object that a fault, or a dead man, left behind, and what it owns."""
    return ApiUndo("DELETE", f"{path}?propagationPolicy=Background", None, PLAIN, note)


def _deployment(namespace: str, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
