"""The account of an experiment: exactly what it needs, tried both ways, and gone afterwards."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

from seatrial.chaos import account as accounts
from seatrial.chaos.account import least_privilege, remove_accounts
from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.extension import Extension
from seatrial.chaos.rights import Account, account_of, may, must_not, objects_of, permissions_of, told
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.paths import ROOT
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
DOCUMENT = read_experiment(ROOT / "experiments" / "pod-kill.yaml").document


def experiment(**changes: Any) -> Experiment:
    extension = {
        "name": "seatrial",
        "select": "system",
        "blast_radius": {"pods": 1, "percent_ready": 34, "minutes": 3},
        "permissions": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}],
    }
    model = Extension.model_validate_json(json.dumps(extension | changes))
    return Experiment(Path("experiments/lost.yaml"), DOCUMENT, model)


def account(**changes: Any) -> Account:
    return account_of(experiment(**changes), SYSTEM, "abc")


def rules(**changes: Any) -> list[str]:
    return list(told(account(**changes)))


def test_an_experiment_reads_its_namespace_speaks_with_replicas_and_does_what_its_method_needs() -> None:
    assert rules() == [
        "shop: get, list, watch pods, pods/log, services, endpoints, events",
        "shop: get, list, watch deployments, replicasets, statefulsets, daemonsets of apps",
        "shop: get, list, watch endpointslices of discovery.k8s.io",
        "shop: get, list, watch horizontalpodautoscalers of autoscaling",
        "shop: get, list, watch poddisruptionbudgets of policy",
        "shop: get, list, watch pods of metrics.k8s.io",
        "shop: get namespaces shop",
        "shop: get, create, update, delete pods/proxy",
        "shop: delete pods",
        "kube-system: get namespaces kube-system",
    ]


def test_a_namespace_that_it_names_is_read_and_harmed_there_only() -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"], "namespace": "kube-system"}
    found = rules(permissions=[rule])
    assert "kube-system: delete pods" in found
    assert "shop: delete pods" not in found
    assert "kube-system: get, list, watch pods, pods/log, services, endpoints, events" in found
    assert "kube-system: get, create, update, delete pods/proxy" not in found


def test_only_what_concerns_nodes_is_given_for_the_whole_cluster() -> None:
    cordon = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"], "cluster": True}
    radius = {"pods": 0, "percent_ready": 0, "nodes": 1, "minutes": 3}
    found = rules(permissions=[cordon], blast_radius=radius)
    assert [each for each in found if each.startswith("cluster")] == [
        "cluster: get, list, watch nodes",
        "cluster: patch nodes",
    ]


def test_its_objects_are_roles_in_namespaces_and_bear_the_label_by_which_they_are_found() -> None:
    objects = objects_of(account())
    assert [(each["kind"], each["metadata"].get("namespace")) for each in objects] == [
        ("ServiceAccount", "shop"),
        ("Role", "shop"),
        ("RoleBinding", "shop"),
        ("Role", "kube-system"),
        ("RoleBinding", "kube-system"),
    ]
    assert {each["metadata"]["labels"]["seatrial.dev/chaos-account"] for each in objects} == {"true"}
    assert {each["metadata"]["name"] for each in objects} == {"seatrial-lost-abc"}
    binding = objects[2]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "seatrial-lost-abc", "namespace": "shop"}]
    assert objects[1]["rules"][-1] == {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}


def test_what_it_must_not_do_leaves_out_only_what_its_file_asks_for() -> None:
    forbidden = set(map(str, must_not(account())))
    assert {
        "delete namespaces/shop in shop",
        "get secrets in shop",
        "create pods/exec in shop",
        "create rbac.authorization.k8s.io/clusterrolebindings anywhere",
        "delete pods in kube-system",
        "impersonate users anywhere",
    } <= forbidden
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"], "namespace": "kube-system"}
    assert forbidden - set(map(str, must_not(account(permissions=[rule])))) == {"delete pods in kube-system"}
    assert not set(must_not(account())) & set(may(account()))


def test_the_dead_man_is_told_the_rules_of_the_method_with_their_place() -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}
    cordon = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"], "resourceNames": ["a"], "cluster": True}
    assert permissions_of(experiment(permissions=[rule, cordon]), SYSTEM) == (
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"], "namespace": "shop"},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"], "resourceNames": ["a"], "cluster": True},
    )


@dataclass(frozen=True)
class Limited(Cluster):
    """A cluster as far as it makes tokens and reviews; what is refused is asked of ``grants``."""

    grants: Callable[[str], bool] = field(default=lambda _: True, compare=False)

    @property
    def server(self) -> str:
        return "https://127.0.0.1:6443"

    @property
    def authority(self) -> str | None:
        return str(self.kubectl_path)

    @property
    def core(self) -> Any:
        def token(name: str, namespace: str, request: Any) -> Any:
            assert (name, namespace, request.spec.expiration_seconds) == ("seatrial-lost-abc", "shop", 4500)
            return SimpleNamespace(status=SimpleNamespace(token="a-token"))

        return SimpleNamespace(create_namespaced_service_account_token=token)

    @property
    def authorization(self) -> Any:
        def review(asked: Any) -> Any:
            given = asked.spec.resource_attributes
            what = "/".join(filter(None, (given.group, given.resource, given.subresource)))
            allowed = self.grants(f"{given.verb} {what} {given.namespace}".strip())
            return SimpleNamespace(status=SimpleNamespace(allowed=allowed))

        return SimpleNamespace(create_self_subject_access_review=review)


NEEDED = {(each.verb, each.group, each.resource, each.namespace) for each in may(account())}
GRANTED = {
    " ".join(filter(None, (verb, "/".join(filter(None, (group, what))), where))) for verb, group, what, where in NEEDED
}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was applied and deleted."""
    calls: list[str] = []
    monkeypatch.setattr(accounts.deploy, "apply", lambda cluster, objects: calls.append(f"apply {len(objects)}"))
    monkeypatch.setattr(accounts.deploy, "delete", lambda cluster, objects: calls.append(f"delete {len(objects)}"))
    return calls


def cluster(tmp_path: Path, grants: Callable[[str], bool] = GRANTED.__contains__) -> Limited:
    (tmp_path / "ca.crt").write_text("authority")
    return Limited(tmp_path / "kubeconfig", tmp_path / "ca.crt", "staging", grants=grants)


def test_an_experiment_gets_a_kubeconfig_of_its_own_which_is_gone_afterwards(tmp_path: Path, done: list[str]) -> None:
    with least_privilege(cluster(tmp_path), account(), tmp_path / "limited", within_seconds=1) as limited:
        assert done == ["apply 5"]
        assert stat.S_IMODE(limited.kubeconfig.stat().st_mode) == 0o600
        document = yaml.safe_load(limited.kubeconfig.read_text())
        assert document["users"][0]["user"] == {"token": "a-token"}
        assert document["current-context"] == limited.context_name == "staging"
        assert document["clusters"][0]["cluster"] == {
            "server": "https://127.0.0.1:6443",
            "certificate-authority-data": "YXV0aG9yaXR5",
        }
    assert not limited.kubeconfig.exists()
    assert done == ["apply 5", "delete 5"]


def test_an_account_that_can_do_too_much_is_refused_and_removed(tmp_path: Path, done: list[str]) -> None:
    grants = {*GRANTED, "get secrets shop", "create pods/exec shop"}.__contains__
    with (
        pytest.raises(GuardRefusal) as caught,
        least_privilege(cluster(tmp_path, grants), account(), tmp_path / "limited", within_seconds=1),
    ):
        pytest.fail("not reached")
    assert str(caught.value) == (
        "the account of the experiment can do too much: get secrets in shop; create pods/exec in shop; "
        "take these rights from all service accounts of the cluster"
    )
    assert done[-1] == "delete 5"


def test_an_account_that_cannot_do_enough_in_time_is_told_and_removed(tmp_path: Path, done: list[str]) -> None:
    grants = (GRANTED - {"delete pods shop"}).__contains__
    with (
        pytest.raises(EnvironmentFault) as caught,
        least_privilege(cluster(tmp_path, grants), account(), tmp_path / "limited", within_seconds=0),
    ):
        pytest.fail("not reached")
    assert "what it may not do yet" in str(caught.value)
    assert "'delete pods in shop'" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert done[-1] == "delete 5"


def test_an_api_server_that_follows_late_is_waited_for(tmp_path: Path, done: list[str]) -> None:
    asked: list[str] = []

    def grants(what: str) -> bool:
        asked.append(what)
        return what in GRANTED and asked.count(what) > 2

    with least_privilege(cluster(tmp_path, grants), account(), tmp_path / "limited", within_seconds=5):
        assert asked.count("delete pods shop") == 3


def test_whatever_ends_the_run_removes_the_account(tmp_path: Path, done: list[str]) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        least_privilege(cluster(tmp_path), account(), tmp_path / "limited", within_seconds=1),
    ):
        raise KeyboardInterrupt
    assert done == ["apply 5", "delete 5"]


def test_a_token_that_is_refused_is_one_line(tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ApiException(status=403, reason="Forbidden")

    core = SimpleNamespace(create_namespaced_service_account_token=refuse)
    monkeypatch.setattr(Limited, "core", core)
    with (
        pytest.raises(EnvironmentFault) as caught,
        least_privilege(cluster(tmp_path), account(), tmp_path / "limited", within_seconds=1),
    ):
        pytest.fail("not reached")
    assert str(caught.value) == "a token of ServiceAccount shop/seatrial-lost-abc cannot be got: 403 Forbidden"
    assert done[-1] == "delete 5"


def test_accounts_that_were_left_behind_are_found_by_their_label(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(self: Cluster, *arguments: str) -> str:
        asked.append(arguments)
        return "role/seatrial-lost-abc\n" if "--all-namespaces" in arguments else ""

    monkeypatch.setattr(Cluster, "kubectl", kubectl)
    assert remove_accounts(Cluster(Path("kubeconfig"), Path("kubectl"))) == ("role/seatrial-lost-abc",)
    kinds = ["serviceaccounts,roles,rolebindings", "clusterroles,clusterrolebindings"]
    assert [each[:2] for each in asked] == [("delete", each) for each in kinds]
    assert all("--selector=seatrial.dev/chaos-account" in each for each in asked)
