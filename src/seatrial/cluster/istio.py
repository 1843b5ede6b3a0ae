"""The mesh's control plane, installed as its own tool renders it."""

from __future__ import annotations

from typing import Any

import yaml

from seatrial.cluster import deploy, golang
from seatrial.cluster.client import Cluster
from seatrial.cluster.components import components, content_key
from seatrial.command import capture
from seatrial.observe.kube import UNREAD

ADDON = "istio"
NAMESPACE = "istio-system"
CONTROL_PLANE = "istiod"
"""Name of its Deployment."""
FOLDER = deploy.MANIFESTS / "platform" / "istio"
INSTALLED = "seatrial.dev/installed"
"""Annotation of its namespace: the key of what was installed there."""


def install(cluster: Cluster, *, within_seconds: float) -> None:
    """Apply istiod and the definitions of its objects, and wait until it is available; do nothing where it stands.

    What was installed is noted in the cluster when all is done, and the note is taken back by the next installation
    before it changes anything: one that was interrupted is never taken for whole. Raises EnvironmentFault when istiod
    is not available within the bound.
    """
    if is_installed(cluster):
        return
    objects = render()
    deploy.apply(cluster, objects)
    deploy.wait_rolled_out(cluster, objects, within_seconds=within_seconds)
    deploy.apply(cluster, [_namespace({INSTALLED: wanted()})])


def is_installed(cluster: Cluster) -> bool:
    """Tell whether what is wanted was installed, and istiod is available; no when the API server does not tell."""
    try:
        noted: Any = cluster.core.read_namespace(NAMESPACE)
        istiod: Any = cluster.apps.read_namespaced_deployment("istiod", NAMESPACE)
    except UNREAD:
        return False
    available = (istiod.status.available_replicas or 0) >= (istiod.spec.replicas or 1)
    return available and (noted.metadata.annotations or {}).get(INSTALLED) == wanted()


def wanted() -> str:
    """Return a key of all that an installation is made of: the operator file, and the tool that renders it."""
    return content_key(FOLDER, golang.binary(components().tool("istioctl")).parent.name)


def render() -> list[deploy.Object]:
    """Return what istioctl makes of the operator file, definitions of objects first."""
    istioctl = golang.binary(components().tool("istioctl"))
    text = capture(istioctl, "manifest", "generate", "--filename", FOLDER / "operator.yaml")
    objects = [each for each in yaml.safe_load_all(text) if each]
    return [_namespace({}), *sorted(objects, key=_is_no_definition)]


def _namespace(annotations: dict[str, str]) -> deploy.Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "annotations": annotations}}


def _is_no_definition(item: dict[str, Any]) -> bool:
    return bool(item["kind"] != "CustomResourceDefinition")
