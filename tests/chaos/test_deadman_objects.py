"""The dead man's objects: few rights, a hard bound of life, a place away from the faults, and nothing left over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from seatrial.chaos.deadman_leftovers import COLLECTIONS, is_needed, leftovers
from seatrial.chaos.deadman_objects import DeadMan, micro_time, objects, rules_for
from seatrial.paths import ROOT

NOW = datetime(2026, 11, 25, 12, 0, 0, 250000, tzinfo=UTC)
CORDON = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "patch"], "cluster": True}
DRAIN = {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]}
SCALE = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "patch", "update"]}
MESH = {
    "apiGroups": ["apps"],
    "resources": ["deployments"],
    "verbs": ["patch"],
    "namespace": "istio-system",
    "resourceNames": ["istiod"],
}
READ = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
MAN = DeadMan("run-1", "shop", 15, 600, (CORDON, SCALE))


def made(kind: str, man: DeadMan = MAN) -> list[Any]:
    return [item for item in objects(man, NOW) if item["kind"] == kind]


def by_address(items: list[Any]) -> dict[str, Any]:
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item for item in items
    }


def test_the_lease_comes_first_and_the_job_last() -> None:
    kinds = [item["kind"] for item in objects(MAN, NOW)]
    assert (kinds[:2], kinds[-1]) == (["Namespace", "Lease"], "Job")


def test_an_undo_gets_what_changes_something_and_nothing_that_reads() -> None:
    found = by_address(rules_for("run-1", [CORDON, DRAIN, SCALE, MESH, READ], "shop"))
    assert sorted(found) == [
        "ClusterRole /run-1-undo",
        "ClusterRoleBinding /run-1-undo",
        "Role istio-system/run-1-undo",
        "Role shop/run-1-undo",
        "RoleBinding istio-system/run-1-undo",
        "RoleBinding shop/run-1-undo",
    ]
    assert found["ClusterRole /run-1-undo"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}
    ]
    assert found["Role shop/run-1-undo"]["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch", "update"]}
    ]
    assert found["Role istio-system/run-1-undo"]["rules"][0]["resourceNames"] == ["istiod"]


def test_each_role_is_bound_to_the_dead_mans_account_alone() -> None:
    for item in rules_for("run-1", [CORDON, SCALE], "shop"):
        if item["kind"].endswith("Binding"):
            assert item["subjects"] == [{"kind": "ServiceAccount", "name": "run-1", "namespace": "seatrial-chaos"}]
            assert item["roleRef"]["name"] == "run-1-undo"
            assert item["roleRef"]["kind"] == item["kind"].removesuffix("Binding")


@pytest.mark.parametrize("permissions", [[], [READ], [DRAIN]])
def test_an_experiment_that_leaves_nothing_to_undo_gets_no_role(permissions: list[Any]) -> None:
    assert rules_for("run-1", permissions, "shop") == []


def test_its_own_rights_are_its_lease_and_its_log() -> None:
    (own,) = made("Role", DeadMan("run-1", "shop", 15, 600))
    assert own["metadata"]["namespace"] == "seatrial-chaos"
    assert own["rules"] == [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["run-1"],
            "verbs": ["get", "patch"],
        },
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["run-1"], "verbs": ["get"]},
    ]


def test_the_lease_says_for_how_long_it_holds() -> None:
    (lease,) = made("Lease")
    assert lease["spec"] == {
        "holderIdentity": "run-1",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-11-25T12:00:00.250000Z",
    }


def test_the_job_is_bounded_and_stands_where_no_fault_is() -> None:
    (job,) = made("Job")
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (600, 600)
    assert pod["tolerations"] == [{"operator": "Exists"}]
    (preferred,) = pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["preference"]["matchExpressions"][0]["key"] == "node-role.kubernetes.io/control-plane"
    assert (pod["restartPolicy"], pod["priorityClassName"]) == ("OnFailure", "system-cluster-critical")


def test_the_job_is_confined_as_the_vantage_is_and_runs_its_image() -> None:
    (job,) = made("Job")
    pod = job["spec"]["template"]["spec"]
    documents = yaml.safe_load_all((ROOT / "manifests" / "vantage" / "daemonset.yaml").read_text())
    vantage = next(item for item in documents if item["kind"] == "DaemonSet")["spec"]["template"]["spec"]
    (container,), (other,) = pod["containers"], vantage["containers"]
    assert pod["securityContext"] == vantage["securityContext"]
    assert container["securityContext"] == other["securityContext"]
    assert container["image"] == other["image"]
    assert container["args"] == ["deadman", "-namespace=seatrial-chaos", "-name=run-1"]


def test_every_object_but_the_namespace_bears_the_name_by_which_it_is_removed() -> None:
    for item in objects(MAN, NOW):
        label = item["metadata"]["labels"].get("seatrial.dev/dead-man")
        assert label == (None if item["kind"] == "Namespace" else "run-1"), item["kind"]


def test_everything_that_is_made_is_looked_for_when_it_is_removed() -> None:
    kinds = {f"{item['kind'].lower()}s" for item in objects(MAN, NOW) if item["kind"] != "Namespace"}
    assert kinds == {kind for _, kind in COLLECTIONS}


def lease(age_seconds: float, **annotations: str) -> Any:
    renewed = micro_time(NOW - timedelta(seconds=age_seconds))
    spec = {"leaseDurationSeconds": 15, "renewTime": renewed}
    return {"metadata": {"name": "run-1", "namespace": "seatrial-chaos", "annotations": annotations}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "needed"),
    [
        (lease(1), True),
        (lease(60), True),
        (lease(301), False),
        (lease(1, **{"seatrial.dev/released": "x"}), False),
        (lease(60, **{"seatrial.dev/outcome": "[]"}), False),
    ],
    ids=["held", "expired, not acted on", "given up", "released", "acted on"],
)
def test_a_dead_man_is_needed_until_he_is_released_or_has_acted(found: Any, needed: bool) -> None:
    assert is_needed(found, NOW) is needed


class Cluster:
    """Collections by path, all with the labels of one dead man."""

    def __init__(self, *leases: Any, home: Any = None) -> None:
        labels = {"seatrial.dev/dead-man": "run-1", "seatrial.dev/chaos-account": "x"}
        one = {"metadata": {"name": "run-1", "namespace": "seatrial-chaos", "labels": labels}}
        account = {"metadata": {"name": "seatrial-x", "labels": labels}}
        self.items: dict[str, Any] = {
            "/api/v1/namespaces?fieldSelector=metadata.name=seatrial-chaos": [home or {"metadata": {}}],
            "/apis/coordination.k8s.io/v1/namespaces/seatrial-chaos/leases": list(leases),
            "/apis/batch/v1/jobs?labelSelector=seatrial.dev/dead-man": [one],
            "/apis/coordination.k8s.io/v1/leases?labelSelector=seatrial.dev/dead-man": [one],
            "/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=seatrial.dev/chaos-account": [account],
        }

    def removed(self, also: str = "") -> list[str]:
        found = leftovers(lambda path: self.items.get(path, []), NOW, also)
        return [each.path.removesuffix("?propagationPolicy=Background") for each in found]


ALL = [
    "/apis/batch/v1/namespaces/seatrial-chaos/jobs/run-1",
    "/apis/coordination.k8s.io/v1/namespaces/seatrial-chaos/leases/run-1",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/seatrial-x",
    "/api/v1/namespaces/seatrial-chaos",
]


def test_who_is_needed_is_left_alone() -> None:
    assert Cluster(lease(1)).removed() == []


def test_who_is_not_needed_goes_with_the_namespace_and_the_accounts() -> None:
    assert Cluster(lease(301)).removed() == ALL
    assert Cluster(lease(1)).removed(also="run-1") == ALL
    assert Cluster().removed() == ALL


def test_a_dead_man_beside_another_goes_alone() -> None:
    other = lease(1)
    other["metadata"]["name"] = "run-2"
    assert Cluster(lease(301), other).removed() == ALL[:2]


def test_a_namespace_that_is_on_its_way_out_is_not_deleted_again() -> None:
    assert Cluster(home={"metadata": {"deletionTimestamp": "x"}}).removed() == ALL[:3]


def test_without_a_namespace_only_accounts_can_be_left() -> None:
    cluster = Cluster()
    cluster.items["/api/v1/namespaces?fieldSelector=metadata.name=seatrial-chaos"] = []
    assert cluster.removed() == [ALL[2]]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces?fieldSelector=metadata.name=seatrial-chaos",
        "/apis/coordination.k8s.io/v1/namespaces/seatrial-chaos/leases",
    ],
)
def test_who_may_not_see_the_leases_removes_nothing(path: str) -> None:
    cluster = Cluster()
    cluster.items[path] = None
    assert cluster.removed() == []
