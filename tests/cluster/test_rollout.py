"""New versions: what of a Deployment differs, and what is asked of the cluster, only where that is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seatrial.cluster import rollout
from seatrial.cluster.rollout import next_version, roll_back, roll_out
from seatrial.errors import GuardRefusal
from seatrial.system_file import parse_system

TEXT = "name: shop\nnamespace: shop\nservices:\n  - {name: auth, workload: auth-front}\n  - {name: users}\n"
SYSTEM = parse_system(TEXT, "system.yaml")
SLOW = parse_system(f"{TEXT}slow_boot: {{BOOT: '9'}}\n", "system.yaml")


def deployment(name: str, **template: Any) -> dict[str, Any]:
    container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
    spec = {"containers": [container, {"name": "vantage"}]}
    whole = {"metadata": {"labels": {"app": name}} | template, "spec": spec}
    return {"kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 3, "template": whole}}


class Asked:
    """A cluster as far as it is asked by kubectl."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.applied: list[dict[str, Any]] = []
        monkeypatch.setattr(rollout, "require_owned", lambda cluster: None)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        self.calls.append(arguments)
        self.applied += map(json.loads, stdin.splitlines())
        return ""


def test_another_version_differs_in_an_annotation_and_in_what_it_is_told_to_differ_in():
    before = deployment("auth")
    after = next_version(before, "7", {"BOOT": "9", "A": "2"})
    assert before == deployment("auth"), "what is deployed stays as it is"
    template = after["spec"]["template"]
    assert template["metadata"] == {"labels": {"app": "auth"}, "annotations": {rollout.ANNOTATION: "7"}}
    env = [{"name": "BOOT", "value": "9"}, {"name": "A", "value": "2"}]
    assert template["spec"]["containers"] == [{"name": "app", "env": env}, {"name": "vantage"}]
    assert after["spec"]["replicas"] == 3


def test_annotations_that_are_there_stay_and_no_variables_are_fine():
    bare = deployment("auth", annotations={"scrape": "yes"})
    del bare["spec"]["template"]["spec"]["containers"][0]["env"]
    template = next_version(bare, "7", {})["spec"]["template"]
    assert template["metadata"]["annotations"] == {"scrape": "yes", rollout.ANNOTATION: "7"}
    assert template["spec"]["containers"][0]["env"] == []


@pytest.mark.parametrize(("system", "slow"), [(SYSTEM, []), (SLOW, [{"name": "BOOT", "value": "9"}])])
def test_deployments_are_rolled_out_at_the_same_time_and_nothing_else_is_touched(
    monkeypatch: pytest.MonkeyPatch, system: Any, slow: list[Any]
):
    cluster = Asked(monkeypatch)
    others = [deployment("gateway"), {"kind": "Service", "metadata": {"name": "users"}}]
    objects = [deployment("auth-front"), *others, deployment("users")]
    roll_out(cluster, objects, system, ["auth-front", "users"], "7")  # type: ignore[arg-type]
    assert [each["metadata"]["name"] for each in cluster.applied] == ["auth-front", "users"]
    assert [call[0] for call in cluster.calls] == ["apply"]
    for each in cluster.applied:
        assert each["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}, *slow]


def test_deployments_are_taken_back_at_the_same_time(monkeypatch: pytest.MonkeyPatch):
    cluster = Asked(monkeypatch)
    roll_back(cluster, "shop", ["auth-front", "users"])  # type: ignore[arg-type]
    assert cluster.calls == [("rollout", "undo", "deployment/auth-front", "deployment/users", "--namespace=shop")]


def test_a_cluster_that_is_not_ours_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    cluster = Asked(monkeypatch)

    def refuse(cluster: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(rollout, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        roll_out(cluster, [deployment("users")], SYSTEM, ["users"], "7")  # type: ignore[arg-type]
    with pytest.raises(GuardRefusal):
        roll_back(cluster, "shop", ["users"])  # type: ignore[arg-type]
    assert cluster.calls == []
