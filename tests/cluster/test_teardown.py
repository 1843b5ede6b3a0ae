"""Giving back exactly what is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.cluster import teardown
from seatrial.cluster.components import components
from seatrial.cluster.node_image import drop_build_caches, folder_bytes

THEIRS = ["nginx:1.27", "<none>:<none>", "localhost/other/node:1", "registry.example/seatrial/reference:dev"]
OURS = [
    "localhost/seatrial/node:4f2a",
    "localhost/seatrial/node-core:4f2a",
    "localhost/seatrial/node-istio:4f2a",
    "localhost/seatrial/reference:dev",
    "localhost/seatrial/rootfs-node:77",
]


def without_registry(name: str) -> str:
    """Return an image's name as the engine lists it."""
    return name.removeprefix("docker.io/library/").removeprefix("docker.io/")


LOCK = components()
UPSTREAM = [without_registry(item.image) for item in (*LOCK.images, *LOCK.tools, *LOCK.bases, LOCK.node)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Have the engine list these and all upstream images; returns what it is asked to remove."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    removed: list[str] = []
    sizes = iter(["3.5GB", "1.5GB"])

    def docker(*arguments: str, timeout_seconds: float = 0) -> str:
        if arguments[:2] == ("image", "rm"):
            removed.extend(arguments[3:])
        if arguments[:2] == ("system", "df"):
            return f"Images {next(sizes)}\nContainers 12MB\n"
        return "\n".join([*THEIRS, *OURS, *UPSTREAM])

    monkeypatch.setattr(teardown, "docker", docker)
    monkeypatch.setattr(teardown.engine, "is_running", lambda: True)
    monkeypatch.setattr(teardown.engine, "stop_engine", lambda: True)
    return removed


def test_ours_are_those_that_were_made_here_or_named_by_the_lock(engine: list[str]) -> None:
    assert sorted(teardown.our_images()) == sorted([*OURS, *UPSTREAM])


@pytest.mark.parametrize(
    "listed",
    [
        "nginx:1.31.3",
        "istio/istioctl:1.31.0",
        "quay.io/martinhelmich/prometheus-nginxlog-exporter:v1.11.0",
        "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
        "python:3.11-slim-bookworm",
        "localhost/seatrial/node-istio:4f2a",
    ],
)
def test_an_image_is_known_by_the_name_that_the_engine_lists(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    """It leaves out its default registry, and no other."""
    monkeypatch.setattr(teardown, "docker", lambda *_: f"{listed}\nquay.io/{listed}\n")
    assert teardown.our_images() == [listed]


def test_another_version_of_an_upstream_image_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = without_registry(components().node.image).rpartition(":")[0]
    monkeypatch.setattr(teardown, "docker", lambda *_: f"{repository}:v0.0.1\n")
    assert teardown.our_images() == []


def test_everything_is_freed_and_counted(engine: list[str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_bytes(bytes(1000))
    assert teardown.free_everything() == 2_000_000_000 + 1000
    assert set(engine) == set(teardown.our_images())
    assert not tmp_path.exists()


def test_without_an_engine_only_files_are_freed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(teardown.engine, "is_running", lambda: False)
    (tmp_path / "log").write_bytes(bytes(7))
    assert teardown.free_everything() == 7
    assert teardown.free_everything() == 0


@pytest.mark.parametrize(("text", "size"), [("2TB", 2 * 10**12), ("1.5kB", 1500), ("999B", 999), ("0.2MB", 200_000)])
def test_every_unit_is_decimal(text: str, size: int) -> None:
    assert teardown.parse_size(text) == size


def test_a_folder_takes_what_its_files_take_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(100))
    big = tmp_path / "big"
    big.write_bytes(bytes(5000))
    (tmp_path / "a" / "link").symlink_to(big)
    assert folder_bytes(tmp_path / "a") == 100 + len(str(big))
    assert folder_bytes(tmp_path / "nowhere") == 0


def test_only_what_compiling_needs_is_dropped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    for folder in ("work", "bin"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_bytes(bytes(100))
    assert drop_build_caches() == 100
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
    assert drop_build_caches() == 0
