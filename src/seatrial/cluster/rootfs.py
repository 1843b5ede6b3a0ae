"""Root file systems from Debian's packages, as images, for where there is no registry to pull them from."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from seatrial.cluster.components import components, content_key
from seatrial.cluster.engine import docker, install_packages
from seatrial.command import logged
from seatrial.errors import EnvironmentFault
from seatrial.paths import cached

SUPERFLUOUS = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
)


def has_image(name: str) -> bool:
    """Tell whether the engine holds an image."""
    return bool(docker("image", "ls", "--quiet", name).strip())


def rootfs_image(name: str, packages: Iterable[str]) -> str:
    """Return the tag of a Debian image with these packages, made by debootstrap when the engine does not hold it."""
    wanted = sorted(packages)
    suite = components().debian
    tag = f"localhost/seatrial/rootfs-{name}:{content_key(suite, *wanted)}"
    if has_image(tag):
        return tag
    if os.geteuid() != 0:
        raise EnvironmentFault("building Debian root file systems needs root", remedy="run the same command with sudo")
    if shutil.which("debootstrap") is None:
        install_packages("debootstrap")
    folder = cached("work", "rootfs") / name
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run left is not resumable, and not large
    log = cached("logs") / f"rootfs-{name}.log"
    include = f"--include={','.join(wanted)}"
    logged(["debootstrap", "--variant=minbase", include, suite, folder], log)
    for path in SUPERFLUOUS:
        shutil.rmtree(folder / path, ignore_errors=True)
    _import(folder, tag)
    shutil.rmtree(folder)
    return tag


def _import(folder: Path, tag: str) -> None:
    tar = subprocess.Popen(
        ["tar", "--numeric-owner", "--exclude=./dev/*", "-C", str(folder), "-c", "."], stdout=subprocess.PIPE
    )
    done = subprocess.run(["docker", "import", "-", tag], stdin=tar.stdout, capture_output=True, text=True, check=False)
    if tar.wait() or done.returncode:
        raise EnvironmentFault(f"docker import {tag}: {done.stderr.strip()}")
