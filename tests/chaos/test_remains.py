"""What faults left behind is found by looking, and only what bears their marks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.chaos import remains
from seatrial.chaos.remains import (
    find_in_api,
    find_on_nodes,
    inside_undos,
    of_deployments,
    of_nodes,
    outside_undos,
    stale_undos,
)
from seatrial.chaos.undo_records import JSON_PATCH, MERGE
from seatrial.cluster.iptables import Rule
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.node_state import Container, Inside
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import PodView
from seatrial.paths import ROOT
from seatrial.system import System
from seatrial.system_file import load_system

Told = Callable[[int, str], tuple[int, Any]]
TEMPLATE = {"metadata": {"labels": {"app": "auth"}}, "spec": {"containers": [{"name": "service", "image": "good"}]}}
POD = PodView("shop", "auth-1", "u", "10.0.0.1", "worker", "Running", True, False, 0, "service", "abc", 0.0, 0.0)


def node(name: str, **annotations: str) -> Any:
    return {"metadata": {"name": name, "annotations": annotations}, "spec": {"unschedulable": True}}


def deployment(name: str, annotations: dict[str, str] | None = None) -> Any:
    metadata: dict[str, Any] = {"namespace": "shop", "name": name}
    return {"metadata": metadata | ({"annotations": annotations} if annotations is not None else {})}


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    found = load_system(ROOT / "system.yaml")
    monkeypatch.setattr(remains, "observe_pods", lambda *_: [])
    return found


def test_only_a_node_with_our_mark_is_uncordoned() -> None:
    (undo,) = of_nodes([node("a"), node("b", **{"seatrial.dev/cordoned": ""}), {"metadata": {"name": "c"}}])
    assert (undo.method, undo.path, undo.content_type, undo.note) == (
        "PATCH",
        "/api/v1/nodes/b",
        MERGE,
        "uncordon node b",
    )
    assert undo.body == {
        "metadata": {"annotations": {"seatrial.dev/cordoned": None}},
        "spec": {"unschedulable": None},
    }


def test_a_deployment_gets_the_number_of_replicas_that_its_mark_says() -> None:
    marked = [deployment("a"), deployment("b", {}), deployment("c", {"seatrial.dev/replicas-before": "3"})]
    (undo,) = of_deployments(marked)
    assert (undo.path, undo.content_type) == ("/apis/apps/v1/namespaces/shop/deployments/c", MERGE)
    assert undo.body == {"metadata": {"annotations": {"seatrial.dev/replicas-before": None}}, "spec": {"replicas": 3}}
    assert undo.note == "bring Deployment shop/c back to 3 replicas"


def test_a_deployment_gets_its_template_back_whole() -> None:
    (undo,) = of_deployments([deployment("a", {"seatrial.dev/template-before": json.dumps(TEMPLATE)})])
    assert undo.content_type == JSON_PATCH
    assert isinstance(undo.body, list)
    mark = "/metadata/annotations/seatrial.dev~1template-before"
    assert [(each["op"], each["path"]) for each in undo.body] == [
        ("add", mark),
        ("remove", mark),
        ("replace", "/spec/template"),
    ]
    assert undo.body[2]["value"] == TEMPLATE


@pytest.mark.parametrize(
    "annotations",
    [
        {"seatrial.dev/replicas-before": "-1"},
        {"seatrial.dev/replicas-before": "many"},
        {"seatrial.dev/replicas-before": "99999"},
        {"seatrial.dev/template-before": "{"},
        {"seatrial.dev/template-before": "[]"},
        {"seatrial.dev/template-before": "{}"},
    ],
)
def test_a_mark_that_cannot_be_read_is_no_reason_to_change_anything(annotations: dict[str, str]) -> None:
    assert list(of_deployments([deployment("a", annotations)])) == []


def test_nothing_is_found_on_a_quiet_cluster(api: Any, system: System) -> None:
    assert find_in_api(api.cluster, system) == remains.Remains((), ())
    assert api.changes == []


def test_objects_with_the_label_of_faults_are_deleted_with_what_they_own(api: Any, system: System) -> None:
    made = {"metadata": {"namespace": "shop", "name": "stress"}}
    api.items("/apis/batch/v1/jobs?labelSelector=seatrial.dev/chaos", made)
    api.items("/api/v1/pods?labelSelector=seatrial.dev/chaos", made)
    assert [(each.method, each.path) for each in find_in_api(api.cluster, system).undos] == [
        ("DELETE", "/apis/batch/v1/namespaces/shop/jobs/stress?propagationPolicy=Background"),
        ("DELETE", "/api/v1/namespaces/shop/pods/stress?propagationPolicy=Background"),
    ]


def test_who_may_not_look_everywhere_looks_at_the_systems_namespace_and_is_told(
    api: Any, system: System, told: Told
) -> None:
    for path in ("/api/v1/nodes", "/apis/apps/v1/deployments"):
        api.answer(f"GET {path}", told(403, "Forbidden"))
    own = f"/apis/apps/v1/namespaces/{system.namespace}/deployments"
    api.items(own, deployment("auth", {"seatrial.dev/replicas-before": "2"}))
    found = find_in_api(api.cluster, system)
    assert found.unseen == ("/api/v1/nodes", "/apis/apps/v1/deployments")
    assert [each.note for each in found.undos] == ["bring Deployment shop/auth back to 2 replicas"]


def test_an_api_server_that_does_not_answer_is_told(api: Any, system: System, told: Told) -> None:
    api.answer("GET /api/v1/nodes", told(500, "InternalError"))
    with pytest.raises(EnvironmentFault, match="/api/v1/nodes cannot be read: HTTP 500 "):
        find_in_api(api.cluster, system)


@pytest.mark.parametrize(
    ("answer", "switched"),
    [
        ((200, {"readiness": "fail"}), True),
        ((200, None), False),
        ((200, {"error_rate": 0.0}), True),
        ((200, "no object"), True),
        ((405, {"detail": "Method Not Allowed"}), True),
        ((403, {"kind": "Status"}), True),
        ((503, {"kind": "Status"}), False),
    ],
    ids=["on", "off", "half told", "no state", "cannot be asked", "may not be asked", "does not answer"],
)
def test_switches_are_put_right_unless_they_are_or_nobody_answers(
    api: Any, system: System, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], switched: bool
) -> None:
    assert system.faults
    first = system.services[0].workload
    monkeypatch.setattr(
        remains,
        "observe_pods",
        lambda _, namespace, workload: [POD, dataclasses.replace(POD, terminating=True)] if workload == first else [],
    )
    path = "/api/v1/namespaces/shop/pods/http:auth-1:9901/proxy/faults"
    code, document = answer
    state = dict(system.faults.ready) | {"hang": None, "more": 1}
    shown = state | document if isinstance(document, dict) and "readiness" in document else document or state
    api.answer(f"GET {path}", (code, shown))
    found = find_in_api(api.cluster, system).undos
    assert [(each.method, each.path, each.body) for each in found] == (
        [("PUT", path, system.faults.ready)] if switched else []
    )


def test_a_node_is_first_brought_to_run_and_to_be_reached() -> None:
    paused = outside_undos(Container("worker", "paused", (("kind", "x"),)))
    assert [(each.verb, each.argument) for each in paused] == [("unpause", "")]
    gone = outside_undos(Container("worker", "exited", ()))
    assert [(each.verb, each.argument) for each in gone] == [("start", ""), ("connect", "kind")]
    assert outside_undos(Container("worker", "running", (("kind", "x"),))) == ()


def test_a_node_is_then_brought_to_be_as_it_was() -> None:
    rule = Rule("-", "filter", ("FORWARD", "-m", "comment", "--comment", "seatrial"))
    found = inside_undos(Inside("worker", "inactive", ((1, "uvicorn"), (2, "uvicorn")), (3,), (rule,)))
    assert [(each.verb, each.note) for each in found] == [
        ("end-stress", "end 1 stress processes on node worker"),
        ("uncover", "remove 1 packet filter rules on node worker"),
        ("continue", "continue uvicorn on node worker"),
        ("start-kubelet", "start the kubelet of node worker"),
    ]
    assert inside_undos(Inside("worker", "active", (), (), ())) == ()


def test_connections_that_nobody_answered_are_forgotten_though_they_are_no_fault() -> None:
    inside = Inside("worker", "active", (), (), (), unanswered=240)
    (found,) = stale_undos(inside)
    assert (found.verb, found.argument) == ("forget", "")
    assert found.note == "forget 240 connections that nobody answered on node worker"
    assert inside_undos(inside) == stale_undos(Inside("worker", "active", (), (), ())) == ()


def test_nodes_are_not_looked_into_while_one_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "kind_cluster_of", lambda _: KindCluster("mine"))
    monkeypatch.setattr(KindCluster, "nodes", lambda _: ("a", "b"))
    monkeypatch.setattr(
        remains,
        "observe_container",
        lambda name: Container(name, "paused" if name == "b" else "running", (("kind", "x"),)),
    )
    monkeypatch.setattr(remains, "observe_inside", lambda _: pytest.fail("looked inside"))
    assert [(each.node, each.verb) for each in find_on_nodes(None)] == [("b", "unpause")]  # type: ignore[arg-type]


def test_a_cluster_that_is_no_kind_cluster_of_ours_has_no_nodes_to_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "kind_cluster_of", lambda _: None)
    assert find_on_nodes(None) == ()  # type: ignore[arg-type]
