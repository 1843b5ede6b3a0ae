"""Pods follow the labels of their namespace, which decide what is added to them."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.cluster.admission import ANNOTATION, follow_namespace

Object = dict[str, Any]


def namespace(name: str = "shop", **labels: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def workload(kind: str = "Deployment", **annotations: str) -> Object:
    template = {"metadata": {"annotations": annotations} if annotations else {}}
    return {"kind": kind, "metadata": {"name": "items", "namespace": "shop"}, "spec": {"template": template}}


def annotations(item: Object) -> dict[str, str]:
    return dict(item["spec"]["template"]["metadata"].get("annotations", {}))


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_a_template_bears_the_labels_of_its_namespace_whatever_their_order(kind: str):
    for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
        _, found = follow_namespace([namespace(**labels), workload(kind)])
        assert annotations(found) == {ANNOTATION: "a=1,b=2"}


def test_other_labels_make_another_template_and_what_it_had_stays():
    before, now = (follow_namespace([namespace(mesh=mesh), workload(own="x")])[1] for mesh in ("on", "off"))
    assert annotations(before) != annotations(now)
    assert annotations(before)["own"] == annotations(now)["own"] == "x"


def test_a_namespace_without_labels_is_told_by_nothing():
    _, found = follow_namespace([{"kind": "Namespace", "metadata": {"name": "shop"}}, workload()])
    assert annotations(found) == {ANNOTATION: ""}


def test_others_stay_as_they_are_and_nothing_is_changed_in_place():
    service = {"kind": "Service", "metadata": {"name": "items", "namespace": "shop"}}
    given = [namespace("other", mesh="on"), service, workload()]
    assert follow_namespace(given) == given
    mine = workload()
    follow_namespace([namespace(mesh="on"), mine])
    assert annotations(mine) == {}
