"""Applying manifests: kustomize, server-side apply, waiting for rollouts, and removing exactly what was applied."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.client import Cluster
from seatrial.cluster.troubles import observe_troubles
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT

FIELD_MANAGER = "seatrial"
MANIFESTS = ROOT / "manifests"
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
Object = dict[str, Any]


def overlay_folder(name: str) -> Path:
    """Return the folder of an overlay: a name under ``manifests/overlays``, or a path to any kustomization."""
    known = sorted(path.parent.name for path in MANIFESTS.glob("overlays/*/kustomization.yaml"))
    folder = Path(name) if "/" in name else MANIFESTS / "overlays" / name
    return kustomization(folder, f"--overlay {name}", f"give {', '.join(known)} or a folder")


def kustomization(folder: Path, option: str, remedy: str = "give a folder that has one") -> Path:
    """Return a folder that holds a kustomization; raises UsageError, which names the option, when it does not."""
    if not (folder / "kustomization.yaml").exists():
        raise UsageError(f"{option}: no kustomization.yaml in {folder}", remedy=remedy)
    return folder.resolve()


def render(
    cluster: Cluster, folder: Path, *, components: Iterable[Path] = (), namespace: str | None = None
) -> list[Object]:
    """Return the objects of a kustomization, with further components and another namespace laid over it."""
    with tempfile.TemporaryDirectory(dir=ROOT / "manifests", prefix=".render-") as beside:

        def near(path: Path) -> str:
            return os.path.relpath(path.resolve(), beside)  # kustomize refuses absolute paths

        document: Object = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
        document |= {"resources": [near(folder)], "components": [near(path) for path in components]}
        if namespace:
            document["namespace"] = namespace
        (Path(beside) / "kustomization.yaml").write_text(yaml.safe_dump(document))
        text = cluster.kubectl("kustomize", beside)
    return [item for item in yaml.safe_load_all(text) if item]


def address(item: Object) -> str:
    """Return ``Kind/namespace/name`` of an object."""
    metadata = item["metadata"]
    return "/".join(filter(None, (item["kind"], metadata.get("namespace", ""), metadata["name"])))


def apply(cluster: Cluster, objects: Sequence[Object], *, validate: bool = True) -> None:
    """Apply objects server-side, in their order; fields that are left out of a later apply are taken back.

    ``validate``: refuse fields that no schema knows. What was applied before passed, and kubectl reads every schema
    again each time.
    """
    cluster.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        f"--field-manager={FIELD_MANAGER}",
        f"--validate={'strict' if validate else 'ignore'}",
        "--filename=-",
        stdin=_lines(objects),
    )


def _lines(objects: Iterable[Object]) -> str:
    """Return objects as JSON, one a line: as YAML they would take longer to write than kubectl to apply.

    No List: the API server cannot validate that as a whole, and kubectl, which does it then, knows no partial objects.
    """
    return "\n".join(map(json.dumps, objects))


def wait_rolled_out(cluster: Cluster, objects: Iterable[Object], *, within_seconds: float) -> None:
    """Wait until every workload among the objects is rolled out: observed, updated and available.

    Raises EnvironmentFault with a workload's name and what keeps its pods from being ready.
    """
    for namespace, targets in _workloads(objects).items():
        try:
            _await_rollouts(cluster, namespace, targets, within_seconds)
        except EnvironmentFault as error:
            target = next((each for each in targets if not _is_rolled_out(cluster, namespace, each)), targets[-1])
            what = f"{target} in {namespace} is not rolled out within {within_seconds:g} s"
            told = [f"{what}: {error.what.splitlines()[-1]}", *observe_troubles(cluster, target, namespace)]
            raise EnvironmentFault("\n  ".join(told)) from error


def _workloads(objects: Iterable[Object]) -> dict[str, list[str]]:
    """Return the workloads of each namespace, as kubectl names them."""
    found: dict[str, list[str]] = {}
    for item in objects:
        if item["kind"] in WORKLOADS:
            metadata = item["metadata"]
            found.setdefault(metadata.get("namespace", "default"), []).append(
                f"{item['kind'].lower()}/{metadata['name']}"
            )
    return found


def _await_rollouts(cluster: Cluster, namespace: str, targets: Sequence[str], within_seconds: float) -> None:
    """Wait for all of them in one call: kubectl takes its time to start, and every restore waits here."""
    options = (f"--namespace={namespace}", f"--timeout={within_seconds:.0f}s")
    cluster.kubectl("rollout", "status", *targets, *options, timeout_seconds=within_seconds + 30)


def _is_rolled_out(cluster: Cluster, namespace: str, target: str) -> bool:
    try:
        _await_rollouts(cluster, namespace, [target], 1)
    except EnvironmentFault:
        return False
    return True


def delete(cluster: Cluster, objects: Sequence[Object], *, within_seconds: float = 120) -> None:
    """Delete objects in reverse order and wait until they are gone; what is gone already is fine."""
    cluster.kubectl(
        "delete",
        "--ignore-not-found",
        "--wait",
        f"--timeout={within_seconds:.0f}s",
        "--filename=-",
        stdin=_lines(reversed(objects)),
        timeout_seconds=within_seconds + 30,
    )


def restore(cluster: Cluster, objects: Sequence[Object], *, within_seconds: float) -> None:
    """Bring the system back to what its manifests say, and wait for it.

    A server-side apply restores changed fields; a Service's cluster IP cannot be changed back in place, so a Service
    whose shape differs is replaced.
    """
    for item in objects:
        if item["kind"] == "Service" and _must_be_replaced(cluster, item):
            delete(cluster, [item])
    apply(cluster, objects, validate=False)
    wait_rolled_out(cluster, objects, within_seconds=within_seconds)


def _must_be_replaced(cluster: Cluster, service: Object) -> bool:
    metadata = service["metadata"]
    try:
        live: Any = cluster.core.read_namespaced_service(metadata["name"], metadata.get("namespace", "default"))
    except ApiException as error:
        if error.status == 404:
            return False
        raise EnvironmentFault(f"{address(service)} cannot be read: {error.status} {error.reason}") from error
    is_headless, wants_headless = (spec == "None" for spec in (live.spec.cluster_ip, service["spec"].get("clusterIP")))
    return bool(is_headless != wants_headless)
