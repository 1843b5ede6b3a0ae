"""The watch: every change of pods and endpoints, even of those that went while nobody watched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from seatrial.errors import EnvironmentFault
from seatrial.observe import watch
from seatrial.observe.watch import Watch
from seatrial.waiting import eventually

Event = tuple[str, Any]


def pod(name: str, *, ready: bool = True, restarts: int = 0, uid: str = "") -> client.V1Pod:
    container = {"name": "app", "ready": ready, "restartCount": restarts, "image": "", "imageID": ""}
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "namespace": "shop", "uid": uid or f"uid of {name}", "resourceVersion": "1"}
    return client.V1Pod.model_validate(
        {
            "metadata": metadata | {"creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"containers": [{"name": "app"}]},
            "status": {"conditions": conditions, "containerStatuses": [container]},
        }
    )


def endpoint_slice(name: str, service: str | None = "auth", **pods: bool) -> client.V1EndpointSlice:
    labels = {"kubernetes.io/service-name": service} if service else None
    endpoints = [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"name": pod}}
        for pod, ready in pods.items()
    ]
    metadata = {"name": name, "uid": f"uid of {name}", "resourceVersion": "1", "labels": labels}
    return client.V1EndpointSlice.model_validate(
        {"metadata": metadata, "addressType": "IPv4", "endpoints": endpoints, "ports": []}
    )


class Told:
    """The answers of one kind of object: lists in turn, and after each list the events until the connection breaks."""

    def __init__(self, *turns: tuple[list[Any], list[Event]]) -> None:
        self._turns = iter(turns)
        self._events: list[Event] = []

    def list(self, namespace: str) -> Any:
        items, self._events = next(self._turns, ([], []))
        return SimpleNamespace(items=items, metadata=SimpleNamespace(resource_version="1"))

    def events(self) -> Iterator[Event]:
        yield from self._events


@pytest.fixture(autouse=True)
def followers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have every thread of a watch end before what it was told is taken away."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Watches what is told of pods or slices, until so many changes were seen; returns the changes."""
    monkeypatch.setattr(watch, "LIST_AGAIN_SECONDS", 0.0)

    def follow(kind: str, count: int, *turns: tuple[list[Any], list[Event]]) -> list[Any]:
        told = {"pods": Told(), "endpoints": Told(), kind: Told(*turns)}

        class Stream:
            def stream(self, lister: Any, *_: Any, **__: Any) -> Iterator[dict[str, Any]]:
                for event, item in lister.__self__.events():
                    yield {"type": event, "object": item}
                raise ProtocolError("the connection broke")

        connection = SimpleNamespace(
            core=SimpleNamespace(list_namespaced_pod=told["pods"].list),
            discovery=SimpleNamespace(list_namespaced_endpoint_slice=told["endpoints"].list),
        )
        monkeypatch.setattr(watch.watch, "Watch", Stream)
        with Watch(SimpleNamespace(another=lambda: connection), "shop") as watching:  # type: ignore[arg-type]
            return eventually(
                lambda: list(getattr(watching.changes(), kind)),
                until=lambda changes: len(changes) >= count,
                within_seconds=5,
                what="changes",
                every_seconds=0.01,
            )[:count]

    return follow


def pods(changes: list[Any]) -> list[tuple[str, bool, int, bool]]:
    return [(change.pod, change.ready, change.restarts, change.gone) for change in changes]


def endpoints(changes: list[Any]) -> list[tuple[str, str, bool]]:
    return [(change.service, change.pod, change.ready) for change in changes]


def test_the_state_at_the_start_comes_first_and_then_every_change(seen: Any) -> None:
    changes = seen(
        "pods",
        4,
        (
            [pod("auth-1")],
            [
                ("MODIFIED", pod("auth-1", ready=False)),
                ("MODIFIED", pod("auth-1", restarts=1)),
                ("ADDED", pod("auth-2", ready=False)),
            ],
        ),
    )
    assert pods(changes) == [
        ("auth-1", True, 0, False),
        ("auth-1", False, 0, False),
        ("auth-1", True, 1, False),
        ("auth-2", False, 0, False),
    ]
    assert [change.at for change in changes] == sorted(change.at for change in changes)
    assert changes[0].uid == "uid of auth-1"


def test_a_deleted_pod_is_gone_and_not_ready_whatever_it_said_last(seen: Any) -> None:
    changes = seen("pods", 2, ([pod("auth-1")], [("DELETED", pod("auth-1", ready=True))]))
    assert pods(changes)[-1] == ("auth-1", False, 0, True)


def test_a_pod_that_went_while_nobody_watched_is_gone(seen: Any) -> None:
    changes = seen("pods", 4, ([pod("auth-1"), pod("auth-2")], []), ([pod("auth-2")], []))
    assert pods(changes)[2:] == [("auth-1", False, 0, True), ("auth-2", True, 0, False)]


def test_a_pod_that_was_replaced_under_its_name_while_nobody_watched_is_gone(seen: Any) -> None:
    changes = seen("pods", 3, ([pod("db-0", uid="old")], []), ([pod("db-0", uid="new", ready=False)], []))
    assert [(change.uid, change.gone) for change in changes] == [("old", False), ("old", True), ("new", False)]


def test_a_pod_that_is_known_to_be_gone_is_told_once(seen: Any) -> None:
    changes = seen("pods", 3, ([pod("auth-1")], [("DELETED", pod("auth-1"))]), ([pod("auth-2")], []))
    assert pods(changes) == [("auth-1", True, 0, False), ("auth-1", False, 0, True), ("auth-2", True, 0, False)]


def test_an_endpoint_that_leaves_its_slice_is_not_ready(seen: Any) -> None:
    changes = seen(
        "endpoints",
        4,
        ([endpoint_slice("auth-x", a=True, b=True)], [("MODIFIED", endpoint_slice("auth-x", b=False))]),
    )
    assert endpoints(changes) == [("auth", "a", True), ("auth", "b", True), ("auth", "b", False), ("auth", "a", False)]


def test_the_endpoints_of_a_deleted_slice_are_not_ready(seen: Any) -> None:
    old = endpoint_slice("auth-x", a=True, b=False)
    changes = seen("endpoints", 4, ([old], [("DELETED", old)]))
    assert sorted(endpoints(changes)[2:]) == [("auth", "a", False), ("auth", "b", False)]


def test_a_slice_says_nothing_about_the_endpoints_of_another(seen: Any) -> None:
    changes = seen(
        "endpoints",
        4,
        (
            [endpoint_slice("auth-x", a=True), endpoint_slice("users-x", "users", u=True)],
            [("MODIFIED", endpoint_slice("auth-x")), ("MODIFIED", endpoint_slice("users-x", "users", u=False))],
        ),
    )
    assert endpoints(changes)[2:] == [("auth", "a", False), ("users", "u", False)]


def test_an_endpoint_that_comes_back_can_be_lost_again(seen: Any) -> None:
    states = [endpoint_slice("auth-x"), endpoint_slice("auth-x", a=True), endpoint_slice("auth-x")]
    changes = seen("endpoints", 4, ([endpoint_slice("auth-x", a=True)], [("MODIFIED", each) for each in states]))
    assert [ready for _, _, ready in endpoints(changes)] == [True, False, True, False]


def test_a_slice_of_no_service_is_kept_apart(seen: Any) -> None:
    assert endpoints(seen("endpoints", 1, ([endpoint_slice("manual", None, a=True)], []))) == [("", "a", True)]


def test_a_namespace_that_cannot_be_listed_is_the_environments_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FIRST_LIST_SECONDS", 0.2)
    monkeypatch.setattr(watch, "LIST_AGAIN_SECONDS", 0.02)

    def refuse(namespace: str) -> Any:
        raise ApiException(status=403, reason="Forbidden")

    connection = SimpleNamespace(
        core=SimpleNamespace(list_namespaced_pod=refuse),
        discovery=SimpleNamespace(list_namespaced_endpoint_slice=refuse),
    )
    watching = Watch(SimpleNamespace(another=lambda: connection), "shop")  # type: ignore[arg-type]
    with pytest.raises(EnvironmentFault) as caught, watching:
        pass
    assert str(caught.value) == "the API server did not list shop in 0.2 s"
