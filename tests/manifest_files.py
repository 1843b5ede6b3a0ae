"""Plain reading of the manifests: what lies in the YAML, without kustomize and without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
SYSTEM = yaml.safe_load((ROOT / "system.yaml").read_text())
NEXT = MANIFESTS / "components" / "users-next" / "workload"
"""The other version that a gateway gives a share to."""

Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kustomization(folder: Path) -> Document:
    (document,) = documents(folder / "kustomization.yaml")
    return document


def overlays() -> list[Path]:
    return sorted(path.parent for path in MANIFESTS.glob("overlays/*/kustomization.yaml"))


def parts_of(folder: Path) -> list[Path]:
    """Return a kustomization's folder with those of its resources and components, each in turn."""
    document = kustomization(folder)
    below = [folder / name for name in (*document.get("resources", ()), *document.get("components", ()))]
    return [folder, *(part for each in below if each.is_dir() for part in parts_of(each.resolve()))]


def resources_of(overlay: Path) -> list[Document]:
    """Return the objects of all parts of an overlay, before any patch."""
    files = [folder / name for folder in parts_of(overlay) for name in kustomization(folder).get("resources", ())]
    return [document for file in files if file.is_file() for document in documents(file)]


def patches_of_parts(overlay: Path) -> list[Document]:
    return [patch for folder in parts_of(overlay) for patch in kustomization(folder).get("patches", ())]


def exposed(objects: list[Document]) -> dict[str, Document]:
    """Return the Services among objects that are open to the outside, by name."""
    services = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "Service"}
    return {name: spec for name, spec in services.items() if spec.get("type", "ClusterIP") != "ClusterIP"}
