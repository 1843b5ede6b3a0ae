"""Giving everything back: images, caches, the engine that was started here."""

from __future__ import annotations

import shutil

from seatrial.cluster import engine, kind
from seatrial.cluster.components import components
from seatrial.cluster.engine import docker
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_image import folder_bytes
from seatrial.cluster.supply import Pinned
from seatrial.paths import cache_root


def engine_answers() -> bool:
    """Tell whether there is an engine to ask; without one no container of ours runs."""
    return engine.is_running()


def our_images() -> list[str]:
    """Return the images in the engine that this project made or pulled."""
    lock = components()
    pinned: tuple[Pinned, ...] = (*lock.images, *lock.tools, *lock.bases, lock.node)
    upstream = {each.image for each in pinned}
    known = upstream | {name.removeprefix("docker.io/library/").removeprefix("docker.io/") for name in upstream}
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    return [name for name in listed if name.startswith("localhost/seatrial/") or name in known]


def free_everything() -> int:
    """Remove every cluster, image and cached file of this project, and stop its engine; returns the bytes freed."""
    freed = 0
    if engine_answers():
        for folder in (cache_root() / "clusters").glob("*"):
            kind.delete(KindCluster(folder.name))
        before = _engine_bytes()
        names = our_images()
        if names:
            docker("image", "rm", "--force", *names, timeout_seconds=300)
        freed += before - _engine_bytes()
        engine.stop_engine()
    freed += folder_bytes(cache_root())
    shutil.rmtree(cache_root(), ignore_errors=True)
    return freed


def _engine_bytes() -> int:
    total = docker("system", "df", "--format", "{{.Type}} {{.Size}}").splitlines()
    size = next((line.split()[1] for line in total if line.startswith("Images")), "0B")
    return parse_size(size)


def parse_size(text: str) -> int:
    """Return bytes for a size as the engine prints it (decimal units): ``1.03GB`` → 1030000000."""
    units = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
    unit = next(name for name in units if text.endswith(name))
    return round(float(text.removesuffix(unit)) * units[unit])
