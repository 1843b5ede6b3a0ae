"""The pull supply, from a real registry on loopback that holds the images under their upstream names."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import yaml

from seatrial.cluster.components import components
from seatrial.cluster.engine import docker, install_packages
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_image import ensure_core, ensure_node_image
from seatrial.cluster.rootfs import rootfs_image
from seatrial.cluster.supply import Pinned, Supply, pull, reference
from seatrial.errors import EnvironmentFault
from seatrial.paths import cached
from seatrial.progress import Phases
from seatrial.waiting import eventually

NAME = "seatrial-mirror"
START_SECONDS = 20
SEATRIAL = (sys.executable, "-c", "from seatrial.cli import main; main()")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of Debian's registry; it is ended, and what it stored is deleted, afterwards."""
    if shutil.which("docker-registry") is None:
        if os.geteuid() != 0:
            pytest.skip("there is no docker-registry, and installing it needs root")
        install_packages("docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(settings))
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(address), until=bool, within_seconds=START_SECONDS, what="registry answers")
        yield address
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder)


def _answers(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://{address}/v2/", trust_env=False).status_code == 200
    return False


@pytest.fixture(scope="module")
def mirror(registry: str) -> Iterator[str]:
    """The registry with the images that were built here, under their upstream paths; new images go afterwards."""
    lock, supply, here, phases = components(), Supply(pulls=True, mirror=registry), Supply(pulls=False), Phases()
    ensure_node_image(here, (), phases)
    python = lock.base("python")
    built: dict[Pinned, str] = {
        lock.node: ensure_core(here, phases),
        python: rootfs_image(python.name, python.packages),
        **{image: image.image for image in lock.added()},
    }
    before = _images()
    for pinned, image in built.items():
        name = reference(supply, pinned)
        docker("tag", image, name)
        docker("push", name, timeout_seconds=600)
        docker("image", "rm", name)
    yield registry
    new = sorted(_images() - before)
    if new:
        docker("image", "rm", "--force", *new)


def _images() -> set[str]:
    return set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())


def test_a_cluster_comes_up_from_images_that_a_registry_holds(mirror: str, tmp_path: Path) -> None:
    timings = tmp_path / "timings.json"
    options = ["--supply=pull", f"--mirror={mirror}", f"--name={NAME}", "--workers=1", f"--timings={timings}"]
    try:
        done = subprocess.run([*SEATRIAL, "up", *options], capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        assert "pull node image" in json.loads(timings.read_text())
        assert f"{mirror}/kindest/node@sha256:" in (cached("supply") / "pulled.txt").read_text()
        assert not [name for name in _images() if name.startswith(mirror)], "down --all knows upstream names only"
        nodes = KindCluster(NAME).connect().core.list_node().items
        assert [node.status.node_info.kubelet_version for node in nodes] == [components().kubernetes] * 2
    finally:
        subprocess.run([*SEATRIAL, "down", f"--name={NAME}"], check=True, capture_output=True)


def test_an_image_that_the_mirror_does_not_hold_is_told_in_one_line(registry: str) -> None:
    with pytest.raises(EnvironmentFault, match=r"cannot pull .*/absent:1: .*; give --supply build, or --mirror"):
        pull(Supply(pulls=True, mirror=registry), components().node.model_copy(update={"image": "docker.io/absent:1"}))
