"""What lets pods in: a namespace's labels decide what is added to each, such as a mesh's sidecar.

They are asked when a pod is made. Pods of an unchanged template would stay as they were when the labels change: with
the sidecars of the overlay before, or without those of the next one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from seatrial.cluster.deploy import WORKLOADS, Object

ANNOTATION = "seatrial.dev/admitted-by"
"""Of a pod template: the labels of its namespace, so that other labels make other pods."""


def follow_namespace(objects: Sequence[Object]) -> list[Object]:
    """Return the objects, with workloads whose pods are replaced when the labels of their namespace change.

    A workload whose namespace is not among the objects is returned as it is.
    """
    labels = {each["metadata"]["name"]: _told(each) for each in objects if each["kind"] == "Namespace"}
    return [_marked(each, labels) for each in objects]


def _told(namespace: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(namespace["metadata"].get("labels", {}).items()))


def _marked(item: Object, labels: Mapping[str, str]) -> Object:
    if item["kind"] not in WORKLOADS or item["metadata"].get("namespace") not in labels:
        return item
    found = copy.deepcopy(item)
    annotations = found["spec"]["template"]["metadata"].setdefault("annotations", {})
    annotations[ANNOTATION] = labels[found["metadata"]["namespace"]]
    return found
