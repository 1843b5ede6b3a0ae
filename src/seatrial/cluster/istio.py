"""The mesh's control plane, installed as its own tool renders it."""

from __future__ import annotations

from typing import Any

import yaml

from seatrial.cluster import deploy, golang
from seatrial.cluster.client import Cluster
from seatrial.cluster.components import components
from seatrial.command import capture

ADDON = "istio"
NAMESPACE = "istio-system"
CONTROL_PLANE = "istiod"
"""Name of its Deployment."""
FOLDER = deploy.MANIFESTS / "platform" / "istio"


def install(cluster: Cluster, *, within_seconds: float) -> None:
    """Apply istiod and the definitions of its objects, and wait until it is available; what is there already stays.

    Raises EnvironmentFault when it is not available within the bound.
    """
    objects = render()
    deploy.apply(cluster, objects)
    deploy.wait_rolled_out(cluster, objects, within_seconds=within_seconds)


def render() -> list[deploy.Object]:
    """Return what istioctl makes of the operator file, definitions of objects first."""
    istioctl = golang.binary(components().tool("istioctl"))
    text = capture(istioctl, "manifest", "generate", "--filename", FOLDER / "operator.yaml")
    namespace: deploy.Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    objects = [each for each in yaml.safe_load_all(text) if each]
    return [namespace, *sorted(objects, key=_is_no_definition)]


def _is_no_definition(item: dict[str, Any]) -> bool:
    return bool(item["kind"] != "CustomResourceDefinition")
