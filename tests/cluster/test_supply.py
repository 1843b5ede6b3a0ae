"""Where images come from: decided once, and told clearly when it cannot be."""

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


@pytest.mark.parametrize(("text", "size"), [("0B", 0), ("1.03GB", 1030000000), ("512kB", 512000), ("7.5MB", 7500000)])
def test_sizes_are_read_as_the_engine_prints_them(text: str, size: int) -> None:
    assert parse_size(text) == size
