"""Where images come from: pulled from their registries, or built here from source where no registry answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from seatrial.cluster.components import components
from seatrial.cluster.engine import docker
from seatrial.cluster.rootfs import has_image
from seatrial.command import succeeds
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import cached

ANSWER_SECONDS = 15.0
"""How long a registry may take to say that it holds an image."""
PULL_SECONDS = 1200.0
Name = Literal["auto", "pull", "build"]


class Pinned(Protocol):
    """Anything of the lock file that stands for an upstream image."""

    @property
    def image(self) -> str: ...

    @property
    def digest(self) -> str | None: ...


@dataclass(frozen=True)
class Supply:
    """A decided supply; ``mirror`` is a registry (``host:port``) that holds the images under their upstream paths."""

    pulls: bool
    mirror: str | None = None

    @property
    def name(self) -> str:
        return f"pull from {self.mirror}" if self.mirror else "pull" if self.pulls else "build"


def refuse_unknown(name: str, mirror: str | None) -> None:
    """Raise UsageError for a supply that does not exist, or that has no use for a mirror."""
    if name not in ("auto", "pull", "build"):
        raise UsageError(f"--supply {name}: no such supply", remedy="give auto, pull or build")
    if mirror and name == "build":
        raise UsageError("--mirror serves the pull supply only", remedy="leave out --mirror, or give --supply pull")


def choose(name: str, mirror: str | None = None) -> Supply:
    """Decide the supply: what was asked for, else pull where the node image's registry answers, else build."""
    refuse_unknown(name, mirror)
    if name == "build":
        return Supply(pulls=False)
    if name == "pull" or mirror:
        return Supply(pulls=True, mirror=mirror)
    return Supply(pulls=registry_answers(components().node.image))


def registry_answers(image: str) -> bool:
    """Tell whether the registry of an image answers for it."""
    return succeeds("docker", "manifest", "inspect", image, timeout_seconds=ANSWER_SECONDS)


def reference(supply: Supply, pinned: Pinned) -> str:
    """Return the name to pull: by digest from upstream, by tag from a mirror (which may hold images built here)."""
    if supply.mirror:
        _, _, path = pinned.image.partition("/")
        return f"{supply.mirror}/{path}"
    return f"{pinned.image.rpartition(':')[0]}@{pinned.digest}" if pinned.digest else pinned.image


def pull(supply: Supply, pinned: Pinned) -> str:
    """Pull an image and give it its upstream name; the digest that was received is recorded. Returns the name.

    The mirror's name goes again, so that the image does when its upstream name does; one that was there before stays.
    """
    name = reference(supply, pinned)
    stays = not supply.mirror or has_image(name)
    try:
        docker("pull", "--quiet", name, timeout_seconds=PULL_SECONDS)
    except EnvironmentFault as error:
        raise EnvironmentFault(
            f"cannot pull {name}: {error.what}", remedy="give --supply build, or --mirror with a registry that has it"
        ) from error
    docker("tag", name, pinned.image)
    digest = docker("image", "inspect", "--format", '{{join .RepoDigests " "}}', name).strip()
    _record(cached("supply") / "pulled.txt", f"{pinned.image} {digest}")
    if not stays:
        docker("image", "rm", name)
    return pinned.image


def _record(file: Path, line: str) -> None:
    known = file.read_text().splitlines() if file.exists() else []
    if line not in known:
        file.write_text("\n".join([*known, line]) + "\n")
