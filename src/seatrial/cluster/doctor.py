"""The examination of a machine: what was seen and, where it is wrong, the one command that mends it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seatrial.cluster import engine
from seatrial.cluster.components import components
from seatrial.cluster.supply import registry_answers
from seatrial.command import capture
from seatrial.errors import EnvironmentFault
from seatrial.paths import cache_root

DISK_BYTES = 20 * 10**9
"""A cold build needs about 7 GB of compiler caches, 1 GB of binaries and 4 GB of images, as measured."""
MEMORY_BYTES = 6 * 10**9
"""Three nodes with the reference system use about 3 GB; compiling beside them needs about as much again."""


@dataclass(frozen=True)
class Finding:
    """One thing that was examined."""

    subject: str
    observed: str
    ok: bool
    remedy: str = ""
    fatal: bool = True
    """False for what is worth knowing but stops nothing."""


def examine() -> tuple[Finding, ...]:
    """Examine the machine; never raises, and changes nothing."""
    checks: tuple[Callable[[], Finding], ...] = (
        _engine,
        _capabilities,
        _cgroup,
        disk_here,
        _memory,
        _cores,
        _port,
        _registry,
        _toolchain,
        _node,
    )
    return tuple(check() for check in checks)


def _engine() -> Finding:
    if engine.is_running():
        version = engine.docker("version", "--format", "{{.Server.Version}}").strip()
        return Finding("engine", f"Docker {version} answers", ok=True)
    if engine.is_debian() and os.geteuid() == 0:
        return Finding("engine", "none runs; 'seatrial up' installs and starts it", ok=True)
    return Finding("engine", "no Docker engine answers", ok=False, remedy="sudo systemctl start docker")


def _capabilities() -> Finding:
    mask = engine.bounding_set()
    if engine.needs_bounded_runtime(mask):
        return Finding("capability", f"CapBnd {mask:x} lacks CAP_SYS_RESOURCE; the runtime shim is used", ok=True)
    return Finding("capability", f"CapBnd {mask:x} is complete for containers", ok=True)


def _cgroup() -> Finding:
    version = "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"
    return Finding("cgroup", f"{version}{' (the kubelet is told so)' if version == 'v1' else ''}", ok=True)


def disk(free: int, where: Path, wanted: int = DISK_BYTES) -> Finding:
    """Judge the free bytes under the cache folder; ``wanted`` are those of a cold build when left out."""
    purpose = "a cold build" if wanted == DISK_BYTES else "what is missing"
    seen = f"{free / 1e9:.1f} GB free for {where}, {wanted / 1e9:.0f} GB wanted for {purpose}"
    return Finding(
        "disk", seen, ok=free >= wanted, remedy="seatrial down --all, or set SEATRIAL_CACHE to a larger disk"
    )


def disk_here(wanted: int = DISK_BYTES) -> Finding:
    """Examine the disk of the cache folder, whether that exists yet or not."""
    folder = next(path for path in (cache_root(), *cache_root().parents) if path.exists())
    return disk(shutil.disk_usage(folder).free, cache_root(), wanted)


def require_disk(wanted: int = DISK_BYTES) -> None:
    """Refuse to begin what would fill the disk half-way; raises EnvironmentFault."""
    finding = disk_here(wanted)
    if not finding.ok:
        raise EnvironmentFault(f"disk: {finding.observed}", remedy=finding.remedy)


def memory(total: int) -> Finding:
    """Judge the machine's memory, in bytes."""
    seen = f"{total / 1e9:.1f} GB, {MEMORY_BYTES / 1e9:.0f} GB wanted"
    return Finding("memory", seen, ok=total >= MEMORY_BYTES, remedy="give this machine more memory")


def _memory() -> Finding:
    return memory(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _cores() -> Finding:
    count = len(os.sched_getaffinity(0))
    return Finding("cores", str(count), ok=count >= 2, remedy="give this machine two cores", fatal=False)


def _port() -> Finding:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        return Finding("ports", f"no loopback port can be bound: {error}", ok=False, remedy="ip link set lo up")
    return Finding("ports", "a loopback port can be bound for the API server", ok=True)


def _registry() -> Finding:
    image = components().node.image
    if not engine.is_running():
        return Finding("registry", "not asked: the engine does not run", ok=True)
    answers = registry_answers(image)
    return Finding(
        "registry",
        f"{image}: {'answers, images are pulled' if answers else 'no answer, images are built here'}",
        ok=True,
    )


def _toolchain() -> Finding:
    try:
        version = capture("go", "env", "GOVERSION").strip()
    except EnvironmentFault:
        return Finding(
            "go", f"not installed; go {components().go} is fetched from the package index when needed", ok=True
        )
    return Finding("go", version, ok=True)


def _node() -> Finding:
    try:
        version = capture("node", "--version").strip()
    except EnvironmentFault:
        return Finding(
            "node", "not installed: no Allure HTML report", ok=False, remedy="apt-get install nodejs npm", fatal=False
        )
    return Finding("node", version, ok=True)
