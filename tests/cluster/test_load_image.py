"""The image of the load: what goes in, when it is made, and which nodes get it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from seatrial.cluster import load_image
from seatrial.cluster.load_image import PACKAGES, PROGRAMS, ensure_load_image, load_into_nodes, locked, package_files
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT
from seatrial.progress import Phases


def names(text: str) -> list[str]:
    return re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def test_the_part_of_the_lock_has_what_the_programs_need_with_extras_and_nothing_heavy() -> None:
    found = names(locked(PACKAGES))
    # websocket-client is needed by an extra only that locust asks of another package
    assert {"locust", "pydantic", "pyyaml", "gevent", "requests", "websocket-client"} <= set(found)
    assert not {"kubernetes", "scipy", "numpy", "matplotlib", "seatrial"} & set(found)
    assert found == sorted(set(found))


def test_it_is_the_lock_word_by_word_hashes_and_all() -> None:
    whole = (ROOT / "requirements.lock").read_text()
    for entry in re.split(r"\n(?=\S)", locked(["gevent"]).rstrip("\n")):
        assert entry in whole
        assert "--hash=sha256:" in entry


def test_what_the_programs_import_goes_in_and_nothing_that_needs_what_is_not_there() -> None:
    files = [str(path.relative_to(ROOT / "src" / "seatrial")) for path in package_files(PROGRAMS)]
    assert {"__init__.py", "load/__init__.py", "load/pod.py", "load/locustfile.py", "system_file.py"} <= set(files)
    imported = {
        line.split()[1].split(".")[0]
        for path in package_files(PROGRAMS)
        for line in path.read_text().splitlines()
        if re.match(r"(import|from) ", line)
    }
    assert not imported & {"kubernetes", "httpx", "rich", "typer", "scipy", "matplotlib", "pytest"}


class Engine:
    """An engine and its nodes: what they hold, and what was done."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.on_nodes: dict[str, list[str]] = {"one": [], "two": []}
        self.done: list[str] = []
        self.context: list[str] = []
        self.dockerfile = ""

    def docker(self, *arguments: str) -> str:
        node, rest = arguments[1], arguments[4:]
        if rest[:2] == ("images", "rm"):
            self.done.append(f"{node}: rm {' '.join(rest[2:])}")
            return ""
        return "\n".join(["registry.k8s.io/pause:3.10", *self.on_nodes[node]])

    def build(self, folder: Path, tag: str, log: str, **arguments: str) -> None:
        self.done.append(f"build from {arguments['BASE']}")
        self.context = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        self.dockerfile = (folder / "Dockerfile").read_text()
        self.held.append(tag)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    engine = Engine()

    @contextmanager
    def build_context() -> Iterator[Path]:
        (tmp_path / "context").mkdir()
        yield tmp_path / "context"

    def fetch(lock: Path, target: Path, log: Path) -> None:
        assert names(lock.read_text()) == names(locked(PACKAGES))
        target.mkdir()
        (target / "locust.py").write_text("")

    monkeypatch.setattr(load_image, "has_image", lambda name: name in engine.held)
    monkeypatch.setattr(load_image, "build_context", build_context)
    monkeypatch.setattr(load_image, "fetch_wheels", fetch)
    monkeypatch.setattr(load_image, "docker_build", engine.build)
    monkeypatch.setattr(load_image, "drop_superseded", lambda tag: engine.done.append("drop older ones"))
    monkeypatch.setattr(load_image, "docker", engine.docker)
    monkeypatch.setattr(load_image, "load_images", lambda node, images: engine.done.append(f"{node}: {images[0]}"))
    monkeypatch.setattr(load_image, "choose", lambda name: SimpleNamespace(pulls=False))
    monkeypatch.setattr(load_image, "python_base", lambda: "python:here")
    return engine


def test_it_is_made_once_with_wheels_code_and_a_key_of_its_content(engine: Engine) -> None:
    tag = ensure_load_image(Phases())
    assert tag.startswith("localhost/seatrial/load:")
    assert ensure_load_image(Phases()) == tag
    assert engine.done == ["build from python:here", "drop older ones"]
    assert {"Dockerfile", "site/locust.py", "seatrial/__init__.py", "seatrial/load/pod.py"} <= set(engine.context)
    assert f'LABEL org.seatrial.content="{tag}"' in engine.dockerfile


def test_the_base_that_is_there_is_used(engine: Engine) -> None:
    engine.held.append("docker.io/library/python:3.11-slim-bookworm")
    ensure_load_image(Phases())
    assert engine.done[0] == "build from docker.io/library/python:3.11-slim-bookworm"


def node(name: str, **spec: Any) -> client.V1Node:
    return client.V1Node.model_validate({"metadata": {"name": name}, "spec": spec})


def cluster(*nodes: client.V1Node) -> Any:
    return SimpleNamespace(core=SimpleNamespace(list_node=lambda **_: SimpleNamespace(items=list(nodes))))


CONTROL = node("control", taints=[{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}])


def test_only_nodes_that_take_pods_and_lack_the_image_get_it(engine: Engine) -> None:
    engine.on_nodes["one"] = ["localhost/seatrial/load:new"]
    load_into_nodes(cluster(CONTROL, node("one"), node("two")), "localhost/seatrial/load:new", Phases())
    assert engine.done == ["two: localhost/seatrial/load:new"]


def test_an_image_of_an_earlier_state_goes(engine: Engine) -> None:
    engine.on_nodes["one"] = ["localhost/seatrial/load:old", "localhost/seatrial/load@sha256:1f"]
    load_into_nodes(cluster(node("one")), "localhost/seatrial/load:new", Phases())
    assert engine.done == [
        "one: rm localhost/seatrial/load:old localhost/seatrial/load@sha256:1f",
        "one: localhost/seatrial/load:new",
    ]


def test_a_cluster_without_a_node_for_it_is_told(engine: Engine) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        load_into_nodes(cluster(CONTROL, node("one", unschedulable=True)), "localhost/seatrial/load:new", Phases())
    assert str(caught.value) == "no node takes the pods of the load; uncordon one: see 'seatrial status'"
