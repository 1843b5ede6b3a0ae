"""The node image with everything preloaded, in layers.

The core is Kubernetes. On it stands what the system and every overlay need, and on that what an add-on brings that an
overlay asks for: who does not ask for a mesh does not compile one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from seatrial.cluster import doctor, golang, images
from seatrial.cluster.components import GoProgram, Image, components, content_key
from seatrial.cluster.engine import docker, install_packages
from seatrial.cluster.rootfs import has_image, rootfs_image
from seatrial.cluster.supply import Supply, pull
from seatrial.command import succeeds
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT, cache_root
from seatrial.progress import Phases

FILES = ROOT / "images" / "node"
KIND_MODULE = "sigs.k8s.io/kind"
KIND = GoProgram(name="kind", package=KIND_MODULE)
BUILD_PACKAGES = ("debootstrap", "gcc", "libc6-dev", "libseccomp-dev", "pkg-config")


def ensure_node_image(supply: Supply, addons: Sequence[str], phases: Phases) -> str:
    """Return the tag of the node image for this checkout, with what the add-ons bring; makes what is missing of it."""
    tag = _tag("node", _core_key(supply), images.system_key(), *_keys(components().added()))
    if not has_image(tag):
        core = ensure_core(supply, phases)
        images.compile_components(supply, components().added(), phases)
        with phases.phase("system images", estimate_seconds=40, then="node image"):
            base = pull(supply, components().base("python")) if supply.pulls else images.python_base()
            names = [images.reference_image(base), images.vantage_image(), *_acquire(supply, components().added())]
        with phases.phase("node image", estimate_seconds=20, then="cluster"):
            _preload(core, names, tag)
        drop_superseded(tag)
    for addon in sorted(addons):
        tag = _with_addon(supply, addon, tag, phases)
    return tag


def _with_addon(supply: Supply, addon: str, below: str, phases: Phases) -> str:
    """Return the tag of a node image with an add-on's images on top of another one."""
    added = components().added(addon)
    tag = _tag(f"node-{addon}", below, *_keys(added))
    if has_image(tag):
        return tag
    # with the programs that install it: one call of the compiler shares the packages of all
    images.compile_components(supply, components().programs(addon), phases)
    with phases.phase(f"{addon} images", estimate_seconds=20, then="node image"):
        names = _acquire(supply, added)
    with phases.phase("node image", estimate_seconds=20, then="cluster"):
        _preload(below, names, tag)
    docker("image", "rm", *names)  # they stand in the node image now
    drop_superseded(tag)
    return tag


def _tag(name: str, *parts: str) -> str:
    return f"localhost/seatrial/{name}:{content_key(*parts)}"


def drop_superseded(tag: str) -> None:
    """Remove images of earlier states of the checkout, and what they leave; those in use stay."""
    repository = tag.partition(":")[0]
    for name in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split():
        if name != tag:
            succeeds("docker", "image", "rm", name)
    docker("image", "prune", "--force", f"--filter=label={images.KEY}")


def _core_key(supply: Supply) -> str:
    if supply.pulls:
        return content_key("pull", components().node.image, components().node.digest or "", supply.mirror or "")
    lock = components()
    return content_key(golang.binaries_key(), FILES, KIND_MODULE, lock.kind, *lock.node.packages, *_preloaded_names())


def _preloaded_names() -> list[str]:
    return [component.image for component in components().images if component.in_node]


def _keys(added: Sequence[Image]) -> list[str]:
    return [image.model_dump_json() + (golang.binaries_key(image.module) if image.package else "") for image in added]


def _acquire(supply: Supply, added: Sequence[Image]) -> list[str]:
    return [pull(supply, image) if supply.pulls else images.component_image(image) for image in added]


def ensure_core(supply: Supply, phases: Phases) -> str:
    """Return the tag of the core layer: Kubernetes, its container runtime, its images and its pod network."""
    tag = f"localhost/seatrial/node-core:{_core_key(supply)}"
    if has_image(tag):
        return tag
    doctor.require_disk()
    if supply.pulls:
        with phases.phase("pull node image", then="system images"):
            docker("tag", pull(supply, components().node), tag)
        return tag
    base = _compile_and_bootstrap(phases)
    with phases.phase("component images", estimate_seconds=25, then="node core"):
        names = [images.component_image(component) for component in components().images if component.in_node]
    with phases.phase("node core", estimate_seconds=40, then="system images"):
        bare = f"{tag}-bare"
        with images.build_context() as folder:
            _lay_out(folder / "root")
            shutil.copy(FILES / "Dockerfile", folder)
            images.docker_build(folder, bare, "node-core.log", BASE=base)
        _preload(bare, names, tag)
        docker("image", "rm", bare, *names)
    return tag


def _compile_and_bootstrap(phases: Phases) -> str:
    """Compile what every overlay needs while Debian's packages are unpacked beside; returns the node's base image."""
    if not succeeds("pkg-config", "--exists", "libseccomp") or shutil.which("debootstrap") is None:
        with phases.phase("install build packages", then="compile"):
            install_packages(*BUILD_PACKAGES)
    with ThreadPoolExecutor(max_workers=1) as beside:
        bases = beside.submit(_bootstrap, phases)
        golang.build([KIND, *components().programs()], phases)
        return bases.result()


def _bootstrap(phases: Phases) -> str:
    with phases.phase("Debian root file systems", estimate_seconds=110):
        for base in components().bases:
            rootfs_image(base.name, base.packages)
        return rootfs_image("node", components().node.packages)


def _lay_out(root: Path) -> None:
    """Lay out what the node adds to its Debian: kind's files, read in place from its module, and the binaries."""
    lock = components()
    upstream = golang.module_folder(KIND_MODULE) / "images" / "base" / "files"
    for source in sorted(path for path in upstream.rglob("*") if path.is_file()):
        relative = source.relative_to(upstream)
        if relative.parts[0] == "LICENSES":
            continue
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        is_program = relative.parts[:3] == ("usr", "local", "bin") or relative.parts[:2] == ("kind", "bin")
        target.chmod(0o755 if is_program else 0o644)
    for binary in lock.binaries:
        images.link(golang.binary(binary), root / binary.path.lstrip("/"))
    _pin_pause(root / "etc" / "containerd" / "config.toml", lock.image("pause").image)
    manifests = root / "kind" / "manifests"
    manifests.mkdir(parents=True)
    network = (FILES / "node-network.yaml").read_text().replace("KUBE_PROXY_IMAGE", lock.image("kube-proxy").image)
    (manifests / "default-cni.yaml").write_text(network)
    shutil.copy(FILES / "default-storage.yaml", manifests)
    (root / "kind" / "version").write_text(lock.kubernetes)


def _pin_pause(config: Path, image: str) -> None:
    lines = config.read_text().splitlines()
    pinned = [f'  sandbox_image = "{image}"' if "sandbox_image" in line else line for line in lines]
    config.write_text("\n".join(pinned) + "\n")


@contextmanager
def _container(image: str) -> Iterator[str]:
    name = docker("run", "--detach", "--network=none", "--entrypoint=sleep", image, "infinity").strip()
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def _preload(image: str, names: Sequence[str], tag: str) -> None:
    """Commit ``image`` with more images in its containerd as ``tag``."""
    with _container(image) as container:
        docker("exec", "--detach", container, "containerd")
        docker(
            "exec", container, "bash", "-c", "until ctr version >/dev/null 2>&1; do sleep 0.1; done", timeout_seconds=60
        )
        load_images(container, names)
        # the daemon must have written its metadata before the file system is taken
        docker(
            "exec",
            container,
            "bash",
            "-c",
            "pkill -x containerd; while pgrep -x containerd >/dev/null; do sleep 0.1; done",
        )
        docker("exec", container, "rm", "-rf", "/run/containerd")
        entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
        docker("commit", "--change", entrypoint, container, tag, timeout_seconds=300)


def load_images(container: str, names: Sequence[str]) -> None:
    """Copy images from the engine into the containerd of a node, or of what is to become one."""
    ctr = ["ctr", "--namespace=k8s.io", "images", "import", "--label=io.cri-containerd.pinned=pinned"]
    ctr += ["--all-platforms", "--no-unpack", "--digests", "-"]
    saved = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE)
    done = subprocess.run(
        ["docker", "exec", "--interactive", container, *ctr],
        stdin=saved.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    if saved.wait() or done.returncode:
        raise EnvironmentFault(f"loading {', '.join(names)} into {container}: {done.stderr.strip()}")


def drop_build_caches() -> int:
    """Delete what is needed only while compiling (module sources and the compiler's cache); returns the bytes freed."""
    freed = folder_bytes(cache_root() / "work")
    shutil.rmtree(cache_root() / "work", ignore_errors=True)
    return freed


def folder_bytes(folder: Path) -> int:
    """Return the bytes that the files of a folder take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) if folder.exists() else 0
