"""Where images come from: decided once, and told clearly when it cannot be."""

from pathlib import Path

import pytest

from seatrial.cluster import supply
from seatrial.cluster.components import components
from seatrial.cluster.teardown import parse_size
from seatrial.errors import EnvironmentFault, UsageError


@pytest.mark.parametrize(("answers", "pulls"), [(True, True), (False, False)])
def test_auto_pulls_where_the_registry_answers(monkeypatch: pytest.MonkeyPatch, answers: bool, pulls: bool) -> None:
    monkeypatch.setattr(supply, "registry_answers", lambda image: answers)
    assert supply.choose("auto").pulls is pulls


def test_a_mirror_means_pull() -> None:
    assert supply.choose("auto", "127.0.0.1:5000") == supply.Supply(pulls=True, mirror="127.0.0.1:5000")
    with pytest.raises(UsageError, match="--mirror serves the pull supply only"):
        supply.choose("build", "127.0.0.1:5000")


def test_an_unknown_supply_is_refused() -> None:
    with pytest.raises(UsageError, match="--supply fetch: no such supply; give auto, pull or build"):
        supply.choose("fetch")


def test_upstream_is_pulled_by_digest_and_a_mirror_by_tag() -> None:
    node = components().node
    upstream = supply.reference(supply.Supply(pulls=True), node)
    assert upstream == f"docker.io/kindest/node@{node.digest}"
    assert supply.reference(supply.Supply(True, "127.0.0.1:5000"), node) == "127.0.0.1:5000/kindest/node:v1.37.0"


def test_a_pull_that_fails_names_the_image_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def docker(*arguments: str, timeout_seconds: float = 0) -> str:
        raise EnvironmentFault("no such host")

    monkeypatch.setattr(supply, "docker", docker)
    with pytest.raises(
        EnvironmentFault, match=r"cannot pull docker.io/kindest/node@sha256:.*: no such host; give --supply"
    ):
        supply.pull(supply.Supply(pulls=True), components().node)


MIRROR = supply.Supply(pulls=True, mirror="127.0.0.1:5000")


class Engine:
    """An engine that gets what it is asked for; ``names`` are those that its images have."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *names: str) -> None:
        self.names = set(names)
        self.pulled: list[str] = []
        monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
        monkeypatch.setattr(supply, "docker", self._docker)
        monkeypatch.setattr(supply, "has_image", lambda name: name in self.names)

    def _docker(self, *arguments: str, timeout_seconds: float = 0) -> str:
        match arguments:
            case ("pull", "--quiet", name):
                self.pulled.append(name)
                self.names |= set() if "@" in name else {name}
            case ("tag", _, name):
                self.names.add(name)
            case ("image", "inspect", *_, name):
                return f"{name.rpartition(':')[0]}@sha256:77\n"
            case ("image", "rm", name):
                self.names.remove(name)
        return ""


def test_what_a_mirror_gave_has_its_upstream_name_only_so_that_it_can_be_given_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, node = Engine(monkeypatch, tmp_path), components().node
    assert supply.pull(MIRROR, node) == node.image
    assert engine.pulled == ["127.0.0.1:5000/kindest/node:v1.37.0"]
    assert engine.names == {node.image}
    assert (tmp_path / "supply" / "pulled.txt").read_text() == f"{node.image} 127.0.0.1:5000/kindest/node@sha256:77\n"


def test_a_name_of_the_mirror_that_was_there_before_is_not_ours_to_remove(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = "127.0.0.1:5000/kindest/node:v1.37.0"
    engine = Engine(monkeypatch, tmp_path, theirs)
    supply.pull(MIRROR, components().node)
    assert engine.names == {theirs, components().node.image}


def test_an_image_from_upstream_keeps_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine, nginx = Engine(monkeypatch, tmp_path), components().image("nginx")
    for pinned in (nginx, components().node):
        supply.pull(supply.Supply(pulls=True), pinned)
    assert engine.names == {nginx.image, components().node.image}
    assert engine.pulled[0] == nginx.image, "it has no digest yet"


@pytest.mark.parametrize(("text", "size"), [("0B", 0), ("1.03GB", 1030000000), ("512kB", 512000), ("7.5MB", 7500000)])
def test_sizes_are_read_as_the_engine_prints_them(text: str, size: int) -> None:
    assert parse_size(text) == size
