"""What an overlay leaves: nothing of its own when another one replaces it, and what it had from others goes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.cluster import inventory
from seatrial.cluster.inventory import KEY, NAME, replace

Object = dict[str, Any]


def thing(name: str, kind: str = "Service", **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **more}


class Cluster:
    """A cluster as far as its inventory is kept, and what is done to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, list[str]]] = []
        self.data: dict[str, str] = {}
        self.core = self
        monkeypatch.setattr(inventory.deploy, "apply", self._apply)
        monkeypatch.setattr(inventory.deploy, "delete", lambda _, objects: self._note("delete", objects))
        monkeypatch.setattr(inventory.deploy, "restore", lambda _, objects, **__: self._note("restore", objects))

    def read_namespaced_config_map(self, name: str, namespace: str) -> Any:
        assert (name, namespace) == (NAME, "shop")
        if not self.data:
            raise ApiException(status=404)
        return self

    def names(self) -> list[str]:
        return [each["metadata"]["name"] for each in json.loads(self.data[KEY])]

    def _apply(self, _: object, objects: list[Object]) -> None:
        if objects[0]["metadata"]["name"] == NAME:
            self.data = objects[0]["data"]
        else:
            self._note("apply", objects)

    def _note(self, what: str, objects: Any) -> None:
        self.done.append((what, [each["metadata"]["name"] for each in objects]))


def replaced(cluster: Cluster, *names: str, lent: tuple[Object, ...] = ()) -> None:
    objects = [thing(name) for name in names]
    replace(cluster, objects, "shop", within_seconds=5, lent=lambda: lent)  # type: ignore[arg-type]


def test_what_is_applied_first_is_noted_and_nothing_is_removed(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)
    replaced(cluster, "a", "b")
    assert cluster.done == [("restore", ["a", "b"])]
    assert cluster.names() == ["a", "b"]


def test_what_the_next_one_does_not_have_is_removed(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)
    replaced(cluster, "a", "b")
    replaced(cluster, "b", "c")
    assert cluster.done[1:] == [("restore", ["b", "c"]), ("delete", ["a"])]
    assert cluster.names() == ["b", "c"]


def test_what_belongs_to_others_is_given_back_as_they_have_it(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)
    replaced(cluster, "a", "theirs")
    replaced(cluster, "b", lent=(thing("theirs", spec="good"), thing("not-taken")))
    assert cluster.done[1:] == [("restore", ["b"]), ("apply", ["theirs"]), ("delete", ["a"])]
    assert cluster.names() == ["b"]


def test_when_all_that_is_left_belongs_to_others_nothing_is_removed(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)
    replaced(cluster, "a", "theirs")
    replaced(cluster, "a", lent=(thing("theirs"),))
    assert cluster.done[1:] == [("restore", ["a"]), ("apply", ["theirs"])]


def test_what_belongs_to_others_is_not_looked_up_where_nothing_is_left(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)

    def never() -> tuple[Object, ...]:
        raise AssertionError("asked for nothing")

    for _ in range(2):
        replace(cluster, [thing("a")], "shop", within_seconds=5, lent=never)  # type: ignore[arg-type]


def test_a_call_that_was_interrupted_is_made_good_by_the_next(monkeypatch: pytest.MonkeyPatch):
    cluster = Cluster(monkeypatch)
    replaced(cluster, "a")

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(inventory.deploy, "restore", stop)
        replaced(cluster, "b")
    assert cluster.names() == ["b", "a"]
    replaced(cluster, "c")
    assert cluster.done[-1] == ("delete", ["b", "a"])
