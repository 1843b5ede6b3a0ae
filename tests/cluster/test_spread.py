"""Where replicas stand: which node can be lost, and which workloads have to be spread anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.cluster import spread as spreading
from seatrial.cluster.spread import can_be_lost, lopsided, spread
from seatrial.errors import GuardRefusal
from seatrial.observe.records import PodView


def standing(**nodes: str) -> dict[str, tuple[PodView, ...]]:
    """Deployment to replicas, by the letters of their nodes: ``auth="aab"``."""
    return {name: tuple(pod(f"{name}-{n}", node) for n, node in enumerate(where)) for name, where in nodes.items()}


def pod(name: str, node: str) -> PodView:
    return PodView("shop", name, name, "", node, "Running", True, False, 0, "app", "abc", 0.0, 0.0)


def test_workloads_whose_replicas_all_stand_on_one_node_are_lopsided() -> None:
    assert lopsided(standing(auth="aaa", users="aab", gateway="b", leads="")) == ("auth",)


@pytest.mark.parametrize(
    ("where", "nodes"),
    [
        ({"auth": "aab", "users": "abb"}, ("a", "b")),
        ({"auth": "aab", "users": "aaa"}, ()),
        ({"auth": "aab", "users": "aac"}, ("a",)),
        ({"auth": "aab", "users": "abb", "gateway": "bb"}, ("a",)),
        ({"auth": "aab", "users": "abb", "other": "a"}, ("b",)),
        ({"auth": "aab", "users": ""}, ()),
        ({"auth": "aab"}, ()),
    ],
    ids=["even", "all of one", "none there", "another's all", "a single one", "none ready", "missing"],
)
def test_a_node_can_be_lost_that_holds_some_of_each_service_and_all_of_nothing(
    where: dict[str, str], nodes: tuple[str, ...]
) -> None:
    assert can_be_lost(standing(**where), ["auth", "users"]) == nodes


def cluster(asked: list[tuple[str, ...]]) -> Any:
    return SimpleNamespace(kubectl=lambda *what, **_: asked.append(what))


def test_only_lopsided_workloads_have_a_replica_made_anew_which_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(spreading, "require_owned", lambda _: None)
    monkeypatch.setattr(spreading, "observe_standing", lambda *_: standing(auth="aaa", users="ab"))
    assert spread(cluster(asked), "shop", within_seconds=60) == ("auth",)
    assert asked == [
        ("delete", "pod/auth-0", "--namespace=shop", "--timeout=60s"),
        ("rollout", "status", "deployment/auth", "--namespace=shop", "--timeout=60s"),
    ]


def test_nothing_is_moved_on_a_cluster_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("not ours")

    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(spreading, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        spread(cluster(asked), "shop", within_seconds=60)
    assert asked == []
