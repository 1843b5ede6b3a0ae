"""Permission before each destructive call: what it looks at, what it keeps, and that it fails closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from stakes import ground, pod

from seatrial.chaos import limits
from seatrial.chaos.ground import ground_of
from seatrial.chaos.ledger import NOTHING, Harmed, done_of, open_ledger
from seatrial.chaos.limits import Harm, Limits, foresee, limits_here, permit, reasons_against
from seatrial.cluster.client import Cluster
from seatrial.errors import GuardRefusal
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def live(name: str, labels: dict[str, str], *, node: str = "worker", ready: bool = True, owner: str = "") -> Any:
    """Return a pod as the API tells it."""
    owners = [SimpleNamespace(kind=owner.split()[0], name=owner.split()[1])] if owner else None
    metadata = SimpleNamespace(
        name=name,
        namespace="shop",
        uid=f"uid of {name}",
        labels=labels,
        annotations=None,
        owner_references=owners,
        deletion_timestamp=None,
        creation_timestamp=NOW,
    )
    condition = SimpleNamespace(type="Ready", status=str(ready), last_transition_time=NOW)
    status = SimpleNamespace(conditions=[condition], container_statuses=None, pod_ip="10.0.0.1", phase="Running")
    spec = SimpleNamespace(containers=[SimpleNamespace(name="app")], node_name=node, service_account_name="x")
    return SimpleNamespace(metadata=metadata, spec=spec, status=status)


def deployment(name: str, labels: dict[str, str]) -> Any:
    selector = SimpleNamespace(match_labels=labels)
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, namespace="shop"), spec=SimpleNamespace(selector=selector)
    )


REPLICAS = [live(f"auth-{number}", {"app": "auth", "hash": str(number)}) for number in (1, 2, 3)]
DEPLOYMENTS = [deployment("auth", {"app": "auth"}), deployment("odd", {})]


class Api(Cluster):
    """A cluster as far as its workloads are read."""

    pods: Any = REPLICAS
    nodes: Any = ("control",)

    @property
    def core(self) -> Any:
        return SimpleNamespace(list_namespaced_pod=self._pods, read_node=self._node)

    @property
    def apps(self) -> Any:
        return SimpleNamespace(list_namespaced_deployment=lambda namespace: SimpleNamespace(items=DEPLOYMENTS))

    def _pods(self, namespace: str) -> Any:
        if isinstance(self.pods, Exception):
            raise self.pods
        return SimpleNamespace(items=self.pods)

    def _node(self, name: str) -> Any:
        if name == "nowhere":
            raise ApiException(status=404, reason="Not Found")
        labels = {"node-role.kubernetes.io/control-plane": ""} if name in self.nodes else {}
        return SimpleNamespace(metadata=SimpleNamespace(labels=labels))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Have the cluster be ours; returns the namespaces that were asked about, call by call."""
    monkeypatch.delenv("SEATRIAL_LIMITS", raising=False)
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(limits, "require_owned", lambda cluster, *namespaces: calls.append(namespaces))
    return calls


@pytest.fixture
def api() -> Api:
    return Api(Path("kubeconfig"), Path("kubectl"))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Sets the limits of the run; returns its ledger."""

    def give(**values: Any) -> Path:
        ledger = tmp_path / "ledger.jsonl"
        monkeypatch.setenv("SEATRIAL_LIMITS", json.dumps({"ledger": str(ledger), **values}))
        return ledger

    return give


def refusal(api: Cluster, *pods: str, nodes: tuple[str, ...] = ()) -> str:
    with pytest.raises(GuardRefusal) as caught:
        permit(api, SYSTEM, Harm(tuple(map(pod, pods)), nodes))
    return str(caught.value)


def test_what_is_permitted_is_written_down_before_it_is_done(api: Api, asked: Any, given: Any) -> None:
    ledger = given(pods=2, percent_ready=34)
    permit(api, SYSTEM, Harm(pods=(pod("auth-1", restarts=2),)))
    entry = json.loads(ledger.read_text())
    assert entry["pods"] == {"uid of auth-1": {"name": "auth-1", "workload": "Deployment shop/auth", "restarts": 2}}
    assert (entry["nodes"], entry["ready"]) == ([], {"Deployment shop/auth": 3})
    assert asked == [("shop",)]


def test_what_is_refused_is_not_written_down(api: Api, asked: Any, given: Any) -> None:
    ledger = given(pods=1, percent_ready=34)
    assert refusal(api, "auth-1", "auth-2").startswith("pods harmed over the run would be 2")
    assert ledger.read_text() == ""


def test_harm_adds_up_over_the_calls_of_a_run(api: Api, asked: Any, given: Any) -> None:
    given(pods=4, percent_ready=34)
    permit(api, SYSTEM, Harm(pods=(pod("auth-1"),)))
    permit(api, SYSTEM, Harm(pods=(pod("auth-1"),)))
    assert refusal(api, "auth-2").startswith("2 of 3 replicas of Deployment shop/auth (67 %)")


def test_calls_at_the_same_time_do_not_pass_each_other(api: Api, asked: Any, given: Any) -> None:
    ledger = given(pods=1, percent_ready=100)

    def ask(number: int) -> bool:
        try:
            permit(api, SYSTEM, Harm(pods=(pod(f"auth-{number}"),)))
        except GuardRefusal:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(ask, (1, 2, 3))) == [False, False, True]
    assert len(ledger.read_text().splitlines()) == 1


def test_without_limits_the_default_ones_hold_for_each_call(api: Api, asked: Any) -> None:
    assert limits_here() == Limits(pods=4, percent_ready=50, nodes=1, total_loss=False)
    permit(api, SYSTEM, Harm(pods=(pod("auth-1"),)))
    assert "(67 %)" in refusal(api, "auth-1", "auth-2")


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        (ApiException(status=403, reason="Forbidden"), "the workloads of namespace shop cannot be read: 403 Forbidden"),
        (RuntimeError("odd"), "odd"),
    ],
)
def test_what_cannot_be_read_is_refused(
    api: Api, asked: Any, monkeypatch: pytest.MonkeyPatch, pods: Exception, told: str
) -> None:
    monkeypatch.setattr(Api, "pods", pods)
    assert refusal(api, "auth-1") == f"what is at stake cannot be told, so nothing is harmed: {told}"


def test_a_cluster_that_is_not_ours_is_refused_first(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(limits, "require_owned", refuse)
    assert refusal(api, "auth-1") == "not ours"


@pytest.mark.parametrize("text", ["{", "[]", '{"at": 1}', '{"pods": {"u": {}}, "nodes": [], "ready": {}}'])
def test_a_ledger_that_cannot_be_read_is_refused(api: Api, asked: Any, given: Any, text: str) -> None:
    ledger = given()
    ledger.write_text(f"{text}\n")
    assert refusal(api, "auth-1").startswith(f"the ledger {ledger} cannot be read: ")


def test_nodes_are_looked_at(api: Api, asked: Any, given: Any) -> None:
    given(nodes=1, total_loss=True)
    permit(api, SYSTEM, Harm(nodes=("worker",)))
    assert refusal(api, nodes=("control",)).startswith("node control runs the control plane")
    assert "node nowhere cannot be read: 404 Not Found" in refusal(api, nodes=("nowhere",))


def test_what_is_foreseen_is_not_permitted_by_it(api: Api, asked: Any, tmp_path: Path) -> None:
    foresee(api, SYSTEM, Harm(pods=(pod("auth-1"),)), Limits(ledger=str(tmp_path / "ledger")))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(GuardRefusal, match="blast radius allows 0"):
        foresee(api, SYSTEM, Harm(pods=(pod("auth-1"),)), Limits(pods=0))


def test_replicas_belong_to_their_deployment_through_any_replica_set_else_to_their_controller() -> None:
    others = [
        live("vantage-1", {"app": "vantage"}, owner="DaemonSet vantage"),
        live("bare", {}, node="worker2"),
        live("auth-4", {"app": "auth"}, ready=False, owner="ReplicaSet auth-6d"),
    ]
    ground = ground_of([*REPLICAS, *others], DEPLOYMENTS)
    assert ground.counts() == {"Deployment shop/auth": 3, "DaemonSet shop/vantage": 1, "Pod shop/bare": 1}
    assert ground.on_node["worker2"] == {"uid of bare"}
    assert ground.workload_of(pod("auth-4")) == "Deployment shop/auth"
    assert ground.workload_of(pod("gone")) == "Pod shop/gone"


def test_the_first_count_of_ready_replicas_is_the_one_that_counts() -> None:
    lines = [
        {"at": 1.0, "pods": {"u": {"name": "a", "workload": "w", "restarts": 1}}, "nodes": ["n"], "ready": {"w": 3}},
        {"at": 2.0, "pods": {"u": {"name": "a", "workload": "w", "restarts": 2}}, "nodes": [], "ready": {"w": 1}},
    ]
    done = done_of("\n".join(map(json.dumps, lines)))
    assert (done.pods, done.nodes, done.ready) == ({"u": Harmed("a", "w", 1)}, {"n"}, {"w": 3})


def test_without_a_path_there_is_no_ledger() -> None:
    with open_ledger(None) as ledger:
        ledger.add({}, [], {})
        assert ledger.done.pods == {}


def test_a_node_whose_replicas_go_on_takes_none_of_them_away() -> None:
    stake = ground({"auth": "auth-1 auth-2"}, on_node={"worker": "auth-1 auth-2"})
    for stay, told in ((True, []), (False, ["Deployment shop/auth would lose its last ready replica"])):
        given = Limits(nodes=1, nodes_stay=stay)
        found = reasons_against(given, SYSTEM, Harm(nodes=("worker",)), NOTHING, stake, 0.0)
        assert [each.partition(";")[0] for each in found] == told
