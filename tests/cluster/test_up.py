"""From nothing to a running cluster: each step once, in order, and nothing that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial.cluster import golang, kind, up
from seatrial.cluster.components import GoProgram, components
from seatrial.cluster.supply import Pinned, Supply
from seatrial.cluster.up import Wanted, cluster_up
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.progress import Phases
from seatrial.system_file import parse_system

IMAGE = "localhost/seatrial/node:4f2a"
KUBECTL = next(each for each in components().binaries if each.name == "kubectl")


class Steps:
    """What is done, in order; every step succeeds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.whole = False
        self.supply = Supply(pulls=False)
        self.missing: set[str] = set()
        """Programs that the node image does not bring along here."""
        monkeypatch.setattr(up, "ensure_engine", lambda phases: self.done.append("engine"))
        monkeypatch.setattr(up, "choose", lambda name, mirror: self.supply)
        monkeypatch.setattr(up, "ensure_node_image", self._ensure_node_image)
        monkeypatch.setattr(up, "build", self._build)
        monkeypatch.setattr(up, "pull", self._pull)
        monkeypatch.setattr(up, "docker", self._docker)
        monkeypatch.setattr(kind, "wanted_configuration", lambda cluster, workers, port: {"workers": workers})
        monkeypatch.setattr(kind, "is_whole", lambda cluster, image, document: self.whole)
        monkeypatch.setattr(kind, "create", lambda cluster, image, document: self.done.append(f"create {image}"))

    def _ensure_node_image(self, supply: Supply, addons: Sequence[str], phases: Phases) -> str:
        self.done.append(" ".join(["node image", *addons]))
        for program in (KUBECTL, *(tool for tool in components().tools if tool.addon in addons)):
            if program.name not in self.missing:
                golang.binary(program).parent.mkdir(parents=True, exist_ok=True)
                golang.binary(program).touch()
        return IMAGE

    def _build(self, programs: Sequence[GoProgram], phases: Phases) -> None:
        self.done += [f"build {each.name}" for each in programs if not golang.binary(each).exists()]

    def _pull(self, supply: Supply, pinned: Pinned) -> str:
        self.done.append(f"pull {pinned.image}")
        return pinned.image

    def _docker(self, *arguments: str) -> str:
        self.done.append(f"docker {' '.join(arguments[:2])}")
        if arguments[0] == "cp":
            Path(arguments[2]).write_text(arguments[1])
        return "container-1\n"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.delenv(up.KEEP_BUILD_CACHE, raising=False)
    return Steps(monkeypatch)


BEGIN = ["engine", "node image", "build kind"]
MESHED = ["engine", "node image istio", "build kind"]


def test_what_is_missing_is_made_in_order(steps: Steps) -> None:
    assert cluster_up(Wanted("sea"), Phases()).name == "sea"
    assert steps.done == [*BEGIN, f"create {IMAGE}"]


def test_a_cluster_that_is_whole_is_kept(steps: Steps) -> None:
    steps.whole = True
    cluster_up(Wanted(), Phases())
    assert steps.done == BEGIN


def test_kubectl_is_compiled_where_nothing_is_pulled(steps: Steps) -> None:
    steps.missing = {"kubectl"}
    cluster_up(Wanted(), Phases())
    assert steps.done == [*BEGIN, "build kubectl", f"create {IMAGE}"]


def test_kubectl_is_taken_out_of_the_image_that_was_pulled(steps: Steps) -> None:
    steps.missing, steps.supply = {"kubectl"}, Supply(pulls=True)
    cluster_up(Wanted(), Phases())
    assert steps.done[3:6] == [
        f"docker create {IMAGE}",
        "docker cp container-1:/usr/bin/kubectl",
        "docker rm --volumes",
    ]
    assert kind.kubectl().read_text() == "container-1:/usr/bin/kubectl"


def test_an_interrupted_copy_is_not_taken_for_kubectl(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    steps.missing, steps.supply = {"kubectl"}, Supply(pulls=True)

    def docker(*arguments: str) -> str:
        answer = steps._docker(*arguments)
        if arguments[0] == "cp":
            raise EnvironmentFault("docker cp: unexpected end")
        return answer

    monkeypatch.setattr(up, "docker", docker)
    with pytest.raises(EnvironmentFault):
        cluster_up(Wanted(), Phases())
    assert steps.done[-1] == "docker rm --volumes"
    assert not kind.kubectl().exists()


@pytest.mark.parametrize("pulls", [True, False])
def test_what_the_node_image_brought_along_is_neither_built_nor_copied_again(steps: Steps, pulls: bool) -> None:
    steps.supply = Supply(pulls=pulls)
    cluster_up(Wanted(addons=("istio",)), Phases())
    assert steps.done == [*MESHED, f"create {IMAGE}"]


def test_the_tool_of_an_add_on_is_compiled_where_nothing_is_pulled(steps: Steps) -> None:
    steps.missing = {"istioctl"}
    cluster_up(Wanted(addons=("istio",)), Phases())
    assert steps.done == [*MESHED, "build istioctl", f"create {IMAGE}"]


def test_the_tool_of_an_add_on_is_taken_out_of_its_own_image(steps: Steps) -> None:
    steps.missing, steps.supply = {"istioctl"}, Supply(pulls=True)
    cluster_up(Wanted(addons=("istio",)), Phases())
    tool = components().tool("istioctl")
    assert steps.done[3:5] == [f"pull {tool.image}", f"docker create {tool.image}"]
    assert golang.binary(tool).read_text() == f"container-1:{tool.path}"


def test_no_tool_is_fetched_for_an_add_on_that_nobody_asks_for(steps: Steps) -> None:
    steps.missing, steps.supply = {"istioctl"}, Supply(pulls=True)
    cluster_up(Wanted(), Phases())
    assert not [step for step in steps.done if "istio" in step]


@pytest.mark.parametrize(("addons", "installed"), [((), []), (("istio",), [up.ROLLOUT_SECONDS])])
def test_the_platform_is_what_every_cluster_needs_and_what_the_overlay_stands_on(
    monkeypatch: pytest.MonkeyPatch, addons: tuple[str, ...], installed: list[float]
) -> None:
    applied: list[Any] = []
    found: list[float] = []
    monkeypatch.setattr(up.deploy, "render", lambda cluster, folder: [folder])
    monkeypatch.setattr(up.deploy, "apply", lambda cluster, objects: applied.extend(objects))
    monkeypatch.setattr(up.istio, "install", lambda cluster, *, within_seconds: found.append(within_seconds))
    up.platform_up(None, addons, Phases())  # type: ignore[arg-type]
    assert applied == [up.deploy.MANIFESTS / "platform"]
    assert found == installed


@pytest.mark.parametrize(("keep", "left"), [("", False), ("1", True)])
def test_what_only_compiling_needs_is_dropped_unless_it_is_to_be_kept(
    steps: Steps,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    keep: str,
    left: bool,
) -> None:
    monkeypatch.setenv(up.KEEP_BUILD_CACHE, keep)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "object.o").write_bytes(bytes(1234))
    cluster_up(Wanted(), Phases())
    told = "Dropped the build caches: 1,234 bytes (SEATRIAL_KEEP_BUILD_CACHE=1 keeps them)\n"
    assert ((tmp_path / "work").exists(), told in capsys.readouterr().err) == (left, not left)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"name": "A b"}, "--name A b: not a cluster name"),
        ({"supply": "fetch"}, "--supply fetch: no such supply"),
        ({"supply": "build", "mirror": "127.0.0.1:5000"}, "--mirror serves the pull supply only"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_when_it_is_said(wanted: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Wanted(**wanted)


def test_the_vantage_stands_in_the_namespace_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rendered: list[tuple[Path, tuple[Path, ...], str | None]] = []

    def render(
        cluster: object, folder: Path, *, components: Any = (), namespace: str | None = None
    ) -> list[dict[str, str]]:
        rendered.append((folder, tuple(components), namespace))
        return [{"kind": folder.name}]

    monkeypatch.setattr(up.deploy, "render", render)
    system = parse_system("name: shop\nnamespace: shop\nservices: [{name: web}]\n", "system.yaml")
    objects = up.system_objects(None, tmp_path / "baseline", system, [tmp_path / "part"])  # type: ignore[arg-type]
    assert [each["kind"] for each in objects] == ["baseline", "vantage"]
    assert rendered == [
        (tmp_path / "baseline", (tmp_path / "part",), None),
        (up.deploy.MANIFESTS / "vantage", (), "shop"),
    ]


def test_the_declared_gateway_gets_its_certificate_and_the_vantage_stands_beside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def certified(cluster: object, objects: list[Any], *wanted: str) -> list[Any]:
        return [*objects, {"kind": " ".join(wanted)}]

    monkeypatch.setattr(up.deploy, "render", lambda cluster, folder, **_: [{"kind": folder.name}])
    monkeypatch.setattr(up, "with_certificate", certified)
    system = parse_system(
        "name: shop\nnamespace: shop\nservices: [{name: web}]\n"
        "gateway: {host: shop.test, tls_secret: door-tls, routes: [{path: /, service: web}]}\n",
        "system.yaml",
    )
    objects = up.system_objects(None, tmp_path / "nginx", system)  # type: ignore[arg-type]
    assert [each["kind"] for each in objects] == ["nginx", "shop door-tls shop.test", "vantage"]
