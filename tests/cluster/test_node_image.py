"""The node image in layers: each made once, and an add-on's only where an overlay asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from seatrial.cluster import node_image
from seatrial.cluster.components import Components, GoProgram, Image, components
from seatrial.cluster.node_image import ensure_node_image
from seatrial.cluster.supply import Pinned, Supply
from seatrial.progress import Phases

BUILT, PULLED = Supply(pulls=False), Supply(pulls=True)
REFERENCE, VANTAGE = "localhost/seatrial/reference:dev", "localhost/seatrial/vantage:dev"


class Engine:
    """An engine that holds images, and what was done to make more of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: list[str] = []
        self.done: list[str] = []
        self.in_use: set[str] = set()
        monkeypatch.setattr(node_image, "has_image", lambda name: name in self.held)
        monkeypatch.setattr(node_image, "docker", self._docker)
        monkeypatch.setattr(node_image, "succeeds", self._succeeds)
        monkeypatch.setattr(node_image, "pull", self._pull)
        monkeypatch.setattr(node_image, "ensure_core", self._ensure_core)
        monkeypatch.setattr(node_image, "_preload", self._preload)
        monkeypatch.setattr(node_image.golang, "build", self._build)
        monkeypatch.setattr(node_image.images, "python_base", lambda: "python")
        monkeypatch.setattr(node_image.images, "reference_image", lambda base: REFERENCE)
        monkeypatch.setattr(node_image.images, "vantage_image", lambda: VANTAGE)
        monkeypatch.setattr(node_image.images, "component_image", self._component_image)

    def _docker(self, *arguments: str) -> str:
        if arguments[:2] == ("image", "ls"):
            return "".join(f"{name}\n" for name in self.held if name.partition(":")[0] == arguments[-1])
        self.done.append(" ".join(arguments[:2]))
        if arguments[:2] == ("image", "rm"):
            self.held = [name for name in self.held if name not in arguments]
        return ""

    def _succeeds(self, *arguments: str) -> bool:
        assert arguments[:3] == ("docker", "image", "rm")
        if arguments[3] in self.in_use:
            return False
        self.held.remove(arguments[3])
        return True

    def _pull(self, supply: Supply, pinned: Pinned) -> str:
        self.done.append(f"pull {pinned.image}")
        return self._hold(pinned.image)

    def _component_image(self, component: Image) -> str:
        self.done.append(f"make {component.name}")
        return self._hold(component.image)

    def _hold(self, name: str) -> str:
        self.held.append(name)
        return name

    def _build(self, programs: Iterable[GoProgram], phases: Phases) -> None:
        self.done.append(f"compile {' '.join(each.name for each in programs)}")

    def _ensure_core(self, supply: Supply, phases: Phases) -> str:
        self.done.append("core")
        return self._hold("localhost/seatrial/node-core:1")

    def _preload(self, image: str, names: Sequence[str], tag: str) -> None:
        self.done.append(f"preload {image.partition(':')[0]} with {len(names)}")
        self._hold(tag)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


def made(engine: Engine, addons: Sequence[str] = (), supply: Supply = BUILT) -> list[str]:
    """Have the node image; returns what was done for it this time."""
    engine.done.clear()
    assert ensure_node_image(supply, addons, Phases()) in engine.held
    return list(engine.done)


NODE = [
    "core",
    "compile metrics-server prometheus-nginxlog-exporter",
    "make metrics-server",
    "make nginx",
    "make prometheus-nginxlog-exporter",
    "preload localhost/seatrial/node-core with 5",
    "image prune",
]
MESH = [
    "compile pilot-discovery pilot-agent istioctl",
    "make pilot-discovery",
    "make pilot-agent",
    "preload localhost/seatrial/node with 2",
    "image rm",
    "image prune",
]


def test_the_core_comes_first_and_what_every_overlay_needs_on_top_of_it(engine: Engine) -> None:
    assert made(engine) == NODE
    assert not [name for name in engine.held if "istio" in name]


def test_an_add_on_lies_on_top_and_its_images_stand_in_the_node_only(engine: Engine) -> None:
    assert made(engine, ["istio"]) == [*NODE, *MESH]
    assert [name for name in engine.held if "istio" in name and not name.startswith("localhost/seatrial/node-")] == []


def test_a_layer_that_is_there_is_not_made_again(engine: Engine) -> None:
    made(engine)
    assert made(engine) == []
    assert made(engine, ["istio"]) == MESH, "the layer below serves both"
    assert made(engine, ["istio"]) == []
    assert made(engine) == []


def test_where_images_are_pulled_nothing_is_compiled(engine: Engine) -> None:
    done = made(engine, ["istio"], PULLED)
    lock = components()
    assert not [each for each in done if each.startswith(("compile", "make"))]
    assert [each.removeprefix("pull ") for each in done if each.startswith("pull")] == [
        lock.base("python").image,
        *(image.image for image in (*lock.added(), *lock.added("istio"))),
    ]


def repositories(engine: Engine, prefix: str) -> list[str]:
    return [
        name.partition(":")[0].removeprefix("localhost/seatrial/") for name in engine.held if name.startswith(prefix)
    ]


def changed(monkeypatch: pytest.MonkeyPatch, name: str, image: str) -> None:
    """Have another version of one component in the lock."""
    lock = components()
    images = tuple(each.model_copy(update={"image": image}) if each.name == name else each for each in lock.images)
    other: Components = lock.model_copy(update={"images": images})
    monkeypatch.setattr(node_image, "components", lambda: other)


def test_another_version_of_an_add_on_leaves_the_layer_below_and_takes_the_place_of_its_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(engine, ["istio"])
    before = set(engine.held)
    changed(monkeypatch, "pilot-agent", "docker.io/istio/proxyv2:9.9.9")
    assert made(engine, ["istio"]) == MESH
    (gone,), (new,) = before - set(engine.held), set(engine.held) - before
    assert gone.partition(":")[0] == new.partition(":")[0] == "localhost/seatrial/node-istio"


def test_another_version_of_what_all_need_is_another_layer_for_an_add_on_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(engine, ["istio"])
    changed(monkeypatch, "nginx", "docker.io/library/nginx:9.9.9")
    assert made(engine, ["istio"]) == [*NODE, *MESH]
    layers = sorted(each for each in repositories(engine, "localhost/seatrial/node") if each != "node-core")
    assert layers == ["node", "node-istio"]


def test_a_superseded_image_that_a_cluster_uses_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    made(engine)
    engine.in_use = {name for name in engine.held if name.startswith("localhost/seatrial/node:")}
    changed(monkeypatch, "nginx", "docker.io/library/nginx:9.9.9")
    made(engine)
    assert engine.in_use < set(engine.held)


def test_what_all_overlays_need_is_compiled_at_once_while_root_file_systems_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(node_image, "succeeds", lambda *_: True)
    monkeypatch.setattr(node_image.shutil, "which", lambda program: program)
    monkeypatch.setattr(node_image, "rootfs_image", lambda name, packages: f"rootfs-{name}")
    monkeypatch.setattr(
        node_image.golang, "build", lambda programs, phases: compiled.extend(each.name for each in programs)
    )
    assert node_image._compile_and_bootstrap(Phases()) == "rootfs-node"
    lock = components()
    every = [each.name for each in (*lock.binaries, *lock.images) if each.package and not each.addon]
    assert compiled == ["kind", *every]
    assert len(set(compiled)) == len(compiled)
    assert {"kubectl", "metrics-server", "prometheus-nginxlog-exporter"} < set(compiled)


def test_the_core_of_a_pulled_node_depends_on_where_it_comes_from() -> None:
    keys = {node_image._core_key(supply) for supply in (BUILT, PULLED, Supply(pulls=True, mirror="127.0.0.1:5000"))}
    assert len(keys) == 3
