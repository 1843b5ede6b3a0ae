"""The image of the load in a cluster: Python, Locust, and the part of this package that its pods run.

Made, and loaded into the nodes, only when there is to be load in the cluster. ``python -m seatrial.cluster.load_image``
makes it and prints its name, to be pushed to the registry of a cluster that was not created here.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from seatrial.cluster.client import Cluster
from seatrial.cluster.components import components, content_key
from seatrial.cluster.engine import docker
from seatrial.cluster.images import build_context, docker_build, fetch_wheels, labelled, python_base
from seatrial.cluster.node_image import drop_superseded, load_images
from seatrial.cluster.rootfs import has_image
from seatrial.cluster.supply import choose, pull
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import UNREAD, unread
from seatrial.paths import ROOT, cached
from seatrial.progress import Phases

REPOSITORY = "localhost/seatrial/load"
PROGRAMS = ("seatrial.load.pod", "seatrial.load.locustfile")
"""What the pods run; what these import of this package goes into the image with them."""
PACKAGES = ("locust", "pydantic", "pyyaml")
"""What these need beside Python; what that needs in turn goes in with it."""
PYTHON = {"python_version": "3.11", "python_full_version": "3.11.0"}
"""The Python of the images, whatever this one is."""
SCHEDULING = ("NoSchedule", "NoExecute")


def ensure_load_image(phases: Phases) -> str:
    """Return the tag of the load's image for this checkout; makes it when the engine does not hold it."""
    sources, lock = package_files(PROGRAMS), locked(PACKAGES)
    dockerfile = ROOT / "images" / "load" / "Dockerfile"
    tag = f"{REPOSITORY}:{content_key(dockerfile, lock, components().base('python').image, *sources)}"
    if not has_image(tag):
        with phases.phase("load image", estimate_seconds=40, then="load it into the nodes"):
            _build(tag, dockerfile, lock, sources)
        drop_superseded(tag)
    return tag


def _build(tag: str, dockerfile: Path, lock: str, sources: Iterable[Path]) -> None:
    with build_context() as folder:
        (folder / "requirements.lock").write_text(lock)
        fetch_wheels(folder / "requirements.lock", folder / "site", cached("logs") / "load.log")
        for source in sources:
            target = folder / source.relative_to(ROOT / "src")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        shutil.copy(dockerfile, folder)
        labelled(folder, tag)
        docker_build(folder, tag, "load.log", BASE=_base())


def _base() -> str:
    """Return the Python base image, which the reference system stands on, too."""
    base = components().base("python")
    if has_image(base.image):
        return base.image
    supply = choose("auto")
    return pull(supply, base) if supply.pulls else python_base()


def load_into_nodes(cluster: Cluster, image: str, phases: Phases) -> None:
    """Copy the image into those nodes of a kind cluster that take pods, and do not hold it yet."""
    held = {node: _held(node) for node in _usable_nodes(cluster)}
    missing = [node for node, names in held.items() if image not in names]
    if missing:
        told = f"load image into {', '.join(missing)}"
        with phases.phase(told, estimate_seconds=20.0 * len(missing)), ThreadPoolExecutor(len(missing)) as pool:
            list(pool.map(lambda node: _renew(node, held[node], image), missing))


def _held(node: str) -> list[str]:
    """Return the names of the load's images that a node holds."""
    listed = docker("exec", node, "ctr", "--namespace=k8s.io", "images", "ls", "--quiet").split()
    return [name for name in listed if name.startswith((f"{REPOSITORY}:", f"{REPOSITORY}@"))]


def _renew(node: str, old: Sequence[str], image: str) -> None:
    """Replace what a node holds of earlier states of the checkout: it is pinned, and would stay for ever."""
    if old:
        docker("exec", node, "ctr", "--namespace=k8s.io", "images", "rm", *old)
    load_images(node, [image])


def _usable_nodes(cluster: Cluster) -> list[str]:
    """Return the names of the nodes that take any pod; raises EnvironmentFault when none does."""
    try:
        nodes = cluster.core.list_node(_request_timeout=10).items
    except UNREAD as error:
        raise unread("the nodes of the cluster", error) from error
    specs = {str(node.metadata.name): node.spec for node in nodes if node.metadata and node.spec}
    taken = [
        name
        for name, spec in sorted(specs.items())
        if not spec.unschedulable and not any(each.effect in SCHEDULING for each in spec.taints or ())
    ]
    if not taken:
        raise EnvironmentFault("no node takes the pods of the load", remedy="uncordon one: see 'seatrial status'")
    return taken


def package_files(programs: Iterable[str]) -> list[Path]:
    """Return the files of this package that some of its modules import, directly or not, and their own."""
    found: set[Path] = set()
    waiting = list(programs)
    while waiting:
        for file in _files_of(waiting.pop()):
            if file not in found:
                found.add(file)
                waiting += _imports(file)
    return sorted(found)


def _files_of(module: str) -> Iterator[Path]:
    """Yield a module's file and those of the packages around it; none when the name is none of a module."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        path = (ROOT / "src").joinpath(*parts[:depth])
        yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists())


def _imports(file: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return [name for name in names if name.split(".")[0] == "seatrial"]


def locked(packages: Iterable[str]) -> str:
    """Return the part of ``requirements.lock``, hashes and all, that some packages and their requirements are.

    pip refuses what is not in it: a requirement that is missed here is an error there, and no other version.
    """
    seen, waiting = set[str](), [Requirement(name) for name in packages]
    while waiting:
        needed = waiting.pop()
        if str(needed) not in seen:
            seen.add(str(needed))
            waiting += _needs(needed)
    wanted = {canonicalize_name(Requirement(text).name) for text in seen}
    entries = (ROOT / "requirements.lock").read_text().replace("\\\n", "\0").splitlines()
    kept = [line for line in entries if canonicalize_name(line.partition("==")[0]) in wanted]
    return "".join(f"{line}\n" for line in kept).replace("\0", "\\\n")


def _needs(package: Requirement) -> Iterator[Requirement]:
    """Yield what an installed package requires on the images' Python, with the extras that are asked of it."""
    for need in map(Requirement, requires(package.name) or ()):
        if not need.marker or any(need.marker.evaluate({**PYTHON, "extra": each}) for each in ("", *package.extras)):
            yield need


if __name__ == "__main__":
    print(ensure_load_image(Phases()))
