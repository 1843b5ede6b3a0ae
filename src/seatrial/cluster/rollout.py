"""New versions of services: a rolling update, and the way back to the version before."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping

from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import Object
from seatrial.cluster.guard import require_owned
from seatrial.system import System

ANNOTATION = "seatrial.dev/version"
"""Of a pod template: what makes one version differ from another where nothing else does."""


def next_version(deployment: Object, version: str, environment: Mapping[str, str]) -> Object:
    """Return a Deployment whose template differs by an annotation, and by variables of its application container."""
    found = copy.deepcopy(deployment)
    template = found["spec"]["template"]
    template["metadata"].setdefault("annotations", {})[ANNOTATION] = version
    container = template["spec"]["containers"][0]
    others = [each for each in container.get("env", ()) if each["name"] not in environment]
    added = [{"name": name, "value": value} for name, value in environment.items()]
    container["env"] = [*others, *added]
    return found


def roll_out(
    cluster: Cluster, objects: Iterable[Object], system: System, workloads: Collection[str], version: str
) -> None:
    """Begin a rolling update of Deployments to a new version of what is deployed; does not wait.

    It boots slowly where the system declares how. It is applied as the manifests are, so that applying these again
    takes it back, whatever happens. Raises GuardRefusal elsewhere than on ours.
    """
    require_owned(cluster)
    deploy.apply(cluster, [next_version(each, version, system.slow_boot or {}) for each in _of(objects, workloads)])


def roll_back(cluster: Cluster, namespace: str, workloads: Iterable[str]) -> None:
    """Begin to take Deployments back to the version before; does not wait. Raises as :func:`roll_out` does."""
    require_owned(cluster)
    deployments = [f"deployment/{each}" for each in workloads]
    cluster.kubectl("rollout", "undo", *deployments, f"--namespace={namespace}")


def _of(objects: Iterable[Object], workloads: Collection[str]) -> list[Object]:
    return [each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] in workloads]
