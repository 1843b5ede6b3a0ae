"""When an image is made anew: whenever what it is made of changes, and not otherwise."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seatrial.cluster import golang, images
from seatrial.cluster.components import Base, components, content_key
from seatrial.cluster.supply import Supply
from seatrial.paths import ROOT
from seatrial.progress import Phases


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


@dataclass
class Made:
    """An image as it was to be built: its name, what lies below its root, and its Dockerfile."""

    tag: str
    files: dict[str, str]
    programs: set[str]
    """Those that may be run."""
    dockerfile: list[str]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Made]:
    """Has wheels, binaries and modules at hand that hold their own names, and keeps what the engine is to build."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    found: list[Made] = []

    def install(command: list[Any], log: Path) -> None:
        assert {"--require-hashes", "--no-deps"} <= set(command)
        (wheel,) = (
            each.wheel for each in components().images if each.wheel and each.wheel.requirement in lock(command)
        )
        assert lock(command) == f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n"
        write(Path(command[command.index("--target") + 1]) / wheel.file, wheel.requirement)

    def lock(command: list[Any]) -> str:
        return Path(command[-1]).read_text()

    def module_folder(module: str, graph: str) -> Path:
        for image in components().images:
            for file in image.files:
                write(tmp_path / "modules" / graph / file.file, f"{file.module} of {graph}")
        return tmp_path / "modules" / graph

    def build(folder: Path, tag: str, log: str) -> None:
        root = folder / "root"
        files = [path for path in sorted(root.rglob("*")) if path.is_file()]
        found.append(
            Made(
                tag,
                {f"/{path.relative_to(root)}": path.read_text() for path in files},
                {f"/{path.relative_to(root)}" for path in files if path.stat().st_mode & 0o777 == 0o755},
                (folder / "Dockerfile").read_text().splitlines(),
            )
        )

    monkeypatch.setattr(images, "logged", install)
    monkeypatch.setattr(golang, "module_folder", module_folder)
    monkeypatch.setattr(images, "rootfs_image", lambda name, packages: f"rootfs-{name}:{len(packages)}")
    monkeypatch.setattr(images, "docker_build", build)
    for each in components().images:
        if each.package:
            write(golang.binary(each), each.package)
    return found


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


PATH = "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_an_image_of_a_package_runs_its_binary(made: list[Made]) -> None:
    server = components().image("kube-apiserver")
    assert images.component_image(server) == server.image
    path = "/usr/local/bin/kube-apiserver"
    dockerfile = ["FROM scratch", "COPY root/ /", PATH, f'ENTRYPOINT ["{path}"]']
    assert made == [Made(server.image, {path: server.package}, {path}, dockerfile)]


def test_a_binary_has_the_name_of_its_component_in_the_image_whatever_go_calls_it(made: list[Made]) -> None:
    images.component_image(components().image("etcd"))
    assert golang.binary(components().image("etcd")).name == "server"
    assert made[0].programs == {"/usr/local/bin/etcd"}


def test_an_image_of_a_wheel_has_its_binary_checked_by_hash_in_place(made: list[Made]) -> None:
    nginx = components().image("nginx")
    assert nginx.wheel
    assert images.component_image(nginx) == nginx.image
    path = "/usr/sbin/nginx"
    dockerfile = ["FROM scratch", "COPY root/ /", PATH, f'ENTRYPOINT ["{path}"]', "STOPSIGNAL SIGQUIT"]
    assert made == [Made(nginx.image, {path: nginx.wheel.requirement}, {path}, dockerfile)]


def test_an_image_of_both_runs_the_package_beside_the_wheel_and_the_files_of_its_module(made: list[Made]) -> None:
    agent = components().image("pilot-agent")
    assert agent.wheel
    images.component_image(agent)
    bootstrap = "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
    assert made[0].files == {
        "/usr/local/bin/envoy": agent.wheel.requirement,
        "/usr/local/bin/pilot-agent": agent.package,
        bootstrap: "istio.io/istio of istio",
    }
    assert made[0].programs == {"/usr/local/bin/envoy", "/usr/local/bin/pilot-agent"}
    base = components().base("net")
    assert made[0].dockerfile == [
        f"FROM rootfs-net:{len(base.packages)}",
        "COPY root/ /",
        PATH,
        'ENTRYPOINT ["/usr/local/bin/pilot-agent"]',
    ]


def test_an_image_that_need_not_be_root_is_not(made: list[Made]) -> None:
    images.component_image(components().image("pilot-discovery"))
    assert made[0].dockerfile[-1] == "USER 1337:1337"


@pytest.mark.parametrize(
    ("pulls", "compiled"), [(False, ["metrics-server", "prometheus-nginxlog-exporter"]), (True, [])]
)
def test_only_packages_are_compiled_and_nothing_is_that_is_pulled(
    monkeypatch: pytest.MonkeyPatch, pulls: bool, compiled: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(golang, "build", lambda programs, phases: asked.extend(each.name for each in programs))
    images.compile_components(Supply(pulls=pulls), components().added(), Phases())
    assert asked == compiled
