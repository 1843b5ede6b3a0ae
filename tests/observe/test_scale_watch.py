"""What is watched of a service that scales: each change once, and nothing of what was before or of others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kubernetes import client

from seatrial.observe.scale_watch import Count, Scale, ScaleWatch
from seatrial.observe.scaling import Scaling, Step


def deployment(name: str, wanted: int, ready: int | None) -> Any:
    status = SimpleNamespace(ready_replicas=ready)
    return SimpleNamespace(metadata=SimpleNamespace(name=name), spec=SimpleNamespace(replicas=wanted), status=status)


def watching() -> ScaleWatch:
    return ScaleWatch(None, "shop", workload="auth-front", autoscaler="auth")  # type: ignore[arg-type]


def autoscaler(name: str = "auth") -> client.V2HorizontalPodAutoscaler:
    spec = {"maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "auth-front"}}
    return client.V2HorizontalPodAutoscaler.model_validate({"metadata": {"name": name}, "spec": spec})


def test_two_kinds_of_objects_are_followed_each_by_a_connection_of_its_own():
    connections: list[Any] = []

    def another() -> Any:
        api = SimpleNamespace(list_namespaced_deployment=1, list_namespaced_horizontal_pod_autoscaler=2)
        connections.append(SimpleNamespace(apps=api, autoscaling=api))
        return connections[-1]

    watch = ScaleWatch(SimpleNamespace(another=another), "shop")  # type: ignore[arg-type]
    assert [lister for lister, _ in watch._followers()] == [1, 2]
    assert len(connections) == 2


def test_the_numbers_of_the_one_deployment_are_noted():
    watch = watching()
    for item in (deployment("auth-front", 2, 2), deployment("users", 3, 3), deployment("auth-front", 6, None)):
        watch._note_deployment("MODIFIED", item)
    watch._note_deployment("DELETED", deployment("auth-front", 6, 6))
    assert [(each.wanted, each.ready) for each in watch.scale().counts] == [(2, 2), (6, 0)]


def test_what_the_one_autoscaler_says_is_noted():
    watch = watching()
    watch._note_autoscaler("MODIFIED", autoscaler())
    watch._note_autoscaler("MODIFIED", autoscaler("users"))
    watch._note_autoscaler("DELETED", autoscaler())
    assert [each.autoscaler.target for each in watch.scale().said] == ["auth-front"]


def counts(*rows: tuple[float, int, int]) -> Scale:
    return Scale(tuple(Count(*row) for row in rows), ())


def test_the_last_number_is_told_and_since_when_it_is_that():
    scale = counts((1, 2, 2), (5, 6, 2), (6, 6, 6), (7, 2, 6), (9, 6, 6), (11, 6, 6))
    assert (scale.wanted, scale.changed_at) == (6, 9)
    assert counts((1, 2, 2), (3, 2, 2)).changed_at == 1


def test_steps_of_before_the_load_do_not_count():
    scaled = Scaling("auth", None, counts((1, 3, 3), (2, 2, 2), (5, 6, 2)), 4.0, 9.0, 9.0, {}, {})  # type: ignore[arg-type]
    assert scaled.steps == (Step(5, 2, 6, ""),)
    assert scaled.most == 6
    assert scaled.ready_at(2) == 5
    assert scaled.ready_at(6) is None
