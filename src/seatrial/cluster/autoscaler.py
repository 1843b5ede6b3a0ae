"""Releasing one autoscaler that the overlay holds; applying the manifests again holds it as before."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import MANIFESTS, Object
from seatrial.cluster.guard import require_owned
from seatrial.errors import UsageError

KIND = "HorizontalPodAutoscaler"
RELEASED = MANIFESTS / "components" / "autoscaling"
"""Component that has every autoscaler act."""


def render_released(cluster: Cluster, overlay: Path, components: Sequence[Path], name: str) -> Object:
    """Return an autoscaler as an overlay has it with its components, and free to act.

    Raises UsageError when the overlay has none of that name.
    """
    objects = deploy.render(cluster, overlay, components=[*components, RELEASED])
    return autoscaler_among(objects, name)


def autoscaler_among(objects: Iterable[Object], name: str) -> Object:
    """Return the autoscaler of that name; raises UsageError when there is none."""
    found = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (KIND, name)]
    if not found:
        raise UsageError(f"the overlay has no {KIND} {name}", remedy="deploy the overlay that is tried")
    return found[0]


def changed(autoscaler: Object, *, max_replicas: int | None = None, percent: tuple[str, int] | None = None) -> Object:
    """Return an autoscaler with another limit, and with another target for one resource that it has a target for."""
    found = copy.deepcopy(autoscaler)
    spec: Any = found["spec"]
    spec["maxReplicas"] = max_replicas or spec["maxReplicas"]
    for metric in spec["metrics"]:
        if percent and metric.get("resource", {}).get("name") == percent[0]:
            metric["resource"]["target"]["averageUtilization"] = percent[1]
    return found


def release(cluster: Cluster, autoscaler: Object) -> None:
    """Have an autoscaler act from now on. Raises GuardRefusal elsewhere than on ours.

    It is applied as the manifests are, so that applying these again takes it back, whatever happens.
    """
    require_owned(cluster)
    deploy.apply(cluster, [autoscaler])
