"""A run before it begins: what is refused in one line, and what a dry run tells; nothing is touched by either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stakes import pod

from seatrial.chaos import plan as plans
from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.limits import Harm, Limits
from seatrial.chaos.plan import Plan, Wish, describe, make_plan, ready_workers, require_parts
from seatrial.chaos.surroundings import CALLER, SERVICE, TARGETS
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, GuardRefusal, UsageError
from seatrial.paths import ROOT
from seatrial.system_file import parse_system
from seatrial.system_mesh import Mesh

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}, {name: users}]}", "system.yaml")
SYSTEM_FILE = Path("/shop/system.yaml")
CRASH = read_experiment(ROOT / "experiments" / "process-crash.yaml")
ON_NODE = read_experiment(ROOT / "experiments" / "node-pause.yaml")
KILL = read_experiment(ROOT / "experiments" / "pod-kill.yaml")


class Shop(Cluster):
    """A cluster as far as its nodes are listed."""

    @property
    def server(self) -> str:
        return "https://127.0.0.1:6443"

    @property
    def core(self) -> Any:
        def node(name: str, ready: str, **labels: str) -> Any:
            conditions = [SimpleNamespace(type="Ready", status=ready)]
            return SimpleNamespace(
                metadata=SimpleNamespace(name=name, labels=labels), status=SimpleNamespace(conditions=conditions)
            )

        control = node("control", "True", **{"node-role.kubernetes.io/control-plane": ""})
        nodes = [control, node("worker", "True"), node("worker2", "Unknown")]
        return SimpleNamespace(list_node=lambda **_: SimpleNamespace(items=nodes))


CLUSTER = Shop(Path("/cache/kubeconfig"), Path("/cache/kubectl"), "kind-seatrial")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """A shop that is whole and ours; returns what was asked of guard, engine and limits."""
    calls: dict[str, list[Any]] = {"guard": [], "engine": [], "harm": []}
    monkeypatch.setattr(plans, "require_owned", lambda cluster, *namespaces: calls["guard"].append(namespaces))
    monkeypatch.setattr(plans, "require_owned_node", calls["engine"].append)
    monkeypatch.setattr(plans, "shortfalls", lambda *_: ())
    monkeypatch.setattr(
        plans, "observe_pods", lambda cluster, namespace, workload: tuple(pod(f"{workload}-{n}") for n in (1, 2, 3))
    )

    def foresee(cluster: Cluster, system: Any, harm: Harm, limits: Limits) -> None:
        calls["harm"].append((tuple(each.name for each in harm.pods), harm.nodes, limits.pods))

    monkeypatch.setattr(plans, "foresee", foresee)
    return calls


def planned(experiment: Experiment = CRASH, **wish: Any) -> Plan:
    return make_plan(experiment, CLUSTER, SYSTEM, SYSTEM_FILE, Wish(**wish))


def with_extension(experiment: Experiment, **changes: Any) -> Experiment:
    return replace(experiment, extension=experiment.extension.model_copy(update=changes))


def refusal(experiment: Experiment = CRASH, **wish: Any) -> str:
    with pytest.raises((UsageError, EnvironmentFault, GuardRefusal)) as caught:
        planned(experiment, **wish)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_seed_chooses_one_replica_of_each_service_within_the_limits(asked: dict[str, list[Any]]) -> None:
    plan = planned(seed=7)
    names = tuple(each.name for each in plan.targets.pods)
    assert [name.rpartition("-")[0] for name in names] == ["auth", "users"]
    assert planned(seed=7).targets == plan.targets
    assert asked["harm"][0] == (names, (), 4)
    assert asked["engine"] == ["worker", "worker"]


def test_without_a_seed_each_run_has_another_one_and_tells_it() -> None:
    assert planned().seed != planned().seed


def test_a_person_may_name_services_targets_or_a_node() -> None:
    assert [each.name for each in planned(services=("users",), targets="-2$").targets.pods] == ["users-2"]
    on_node = with_extension(CRASH, select="one-node")
    assert planned(on_node).targets.node == "worker"
    assert planned(on_node, node="worker").targets.node == "worker"


def test_a_node_that_may_not_be_lost_gives_way_to_one_that_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "ready_workers", lambda _: ["first", "second", "worker"])
    monkeypatch.setattr(plans, "_with_replicas", lambda candidates, _: candidates)
    asked: list[str] = []

    def foresee(cluster: Any, system: Any, harm: Harm, limits: Any) -> None:
        asked.extend(harm.nodes)
        if harm.nodes != ("worker",):
            raise GuardRefusal("somebody's last replica")

    monkeypatch.setattr(plans, "foresee", foresee)
    on_node = with_extension(ON_NODE, select="one-node")
    assert {planned(on_node, seed=seed).targets.node for seed in range(6)} == {"worker"}
    assert {"first", "second"} <= set(asked)
    assert refusal(on_node, node="first").startswith("somebody's last replica")


def test_a_node_without_a_replica_is_not_worth_an_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "ready_workers", lambda _: ["idle"])
    on_node = with_extension(CRASH, select="one-node")
    assert refusal(on_node).startswith("no replica of the system is on idle, and nobody would miss it; spread them by")
    assert planned(with_extension(CRASH, select="one-node", nodes_stay=True)).targets.node == "idle"


@pytest.mark.parametrize(
    ("experiment", "wish", "told"),
    [
        (
            CRASH,
            {"targets": "^lead-1$"},
            "--targets ^lead-1$: matches no ready replica; there are auth-1, auth-2, auth-3",
        ),
        (CRASH, {"targets": ""}, "--targets is empty and would name every replica; give a regular expression of names"),
        (CRASH, {"services": ("auht",)}, "--service auht: there is no such service; give auth, users"),
        (CRASH, {"node": "worker"}, "process-crash chooses no node (select one-of-each); leave --node out"),
        (
            with_extension(CRASH, select="one-node"),
            {"node": "control"},
            "--node control: is no ready worker node of this cluster; there are worker",
        ),
        (
            with_extension(CRASH, select="system"),
            {"targets": "x"},
            "process-crash chooses no replicas (select system); leave --targets, --service out",
        ),
        (
            with_extension(CRASH, needs=("mesh",)),
            {},
            "process-crash needs mesh, which the description of shop does not declare; choose another experiment; ",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(experiment: Experiment, wish: dict[str, Any], told: str) -> None:
    assert refusal(experiment, **wish).startswith(told)


@pytest.mark.parametrize(("namespaces", "refused"), [([], True), ([{"metadata": {}}], False), (None, False)])
def test_a_mesh_that_is_declared_must_be_in_the_cluster(
    monkeypatch: pytest.MonkeyPatch, namespaces: list[Any] | None, refused: bool
) -> None:
    monkeypatch.setattr(plans, "namespaces_named", lambda cluster, name: namespaces)
    meshed = SYSTEM.model_copy(update={"mesh": Mesh()})
    experiment = with_extension(CRASH, needs=("mesh",))
    if not refused:
        require_parts(experiment, CLUSTER, meshed)
        return
    with pytest.raises(UsageError) as caught:
        require_parts(experiment, CLUSTER, meshed)
    assert str(caught.value) == (
        "process-crash needs mesh, and this cluster has none: there is no namespace istio-system; "
        "run 'seatrial up --overlay istio', or choose another experiment"
    )


def test_a_system_that_is_not_whole_is_not_harmed(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = ("auth has 2 available and 2 published of 3 replicas",)
    monkeypatch.setattr(plans, "shortfalls", lambda *_: lacking)
    assert refusal() == (
        "the system is not in its steady state: auth has 2 available and 2 published of 3 replicas; "
        "nothing was touched; run 'seatrial chaos heal'"
    )


def test_the_guard_is_asked_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(plans, "require_owned", refuse)
    monkeypatch.setattr(plans, "observe_pods", lambda *_: pytest.fail("not reached"))
    assert refusal() == "not ours"


def test_namespaces_that_an_experiment_names_are_asked_of_the_guard(asked: dict[str, list[Any]]) -> None:
    planned(with_extension(KILL, namespaces=("kube-system",)))
    assert asked["guard"] == [("kube-system",)]


def test_harm_beyond_the_limits_is_told_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise GuardRefusal("pods harmed over the run would be 2; the blast radius allows 1")

    monkeypatch.setattr(plans, "foresee", refuse)
    assert refusal().startswith("pods harmed over the run would be 2")


def test_an_experiment_that_chooses_nobody_harms_what_its_calls_name(asked: dict[str, list[Any]]) -> None:
    plan = planned(with_extension(CRASH, select="system", needs=()))
    assert (plan.harm, asked["harm"]) == (Harm(), [])


def test_what_the_text_of_an_experiment_leaves_open_is_said_to_its_process_beside_its_targets() -> None:
    plan = replace(planned(KILL, targets="^auth-1$"), variables={CALLER: "leads", SERVICE: "users"})
    found = plan.environment(CLUSTER)
    assert (found[CALLER], found[SERVICE], found[TARGETS]) == ("leads", "users", r"^(auth\-1)$")


def test_only_ready_workers_may_suffer() -> None:
    assert ready_workers(CLUSTER) == ["worker"]


def test_a_dry_run_tells_the_exact_targets_calls_permissions_and_limits() -> None:
    lines = list(describe(planned(KILL, targets="^auth-1$", seed=7)))
    assert lines[:4] == [
        "pod-kill: A replica that is deleted by force loses no request",
        "  cluster      kind-seatrial (https://127.0.0.1:6443)",
        "  select       one-of-each, seed 7",
        "  target       pod shop/auth-1 on worker",
    ]
    assert (
        "  method       action delete-replicas: seatrial.chaos.actions.pods.delete_in_turn("
        r"targets='^(auth\\-1)$', within_seconds=45, services_together=2)"
    ) in lines
    assert "  rollback     action heal-system: seatrial.chaos.actions.heal_system()" in lines
    assert "  may          shop: delete pods" in lines
    assert "  must not     create pods/exec in shop" in lines
    assert lines[-3:] == [
        "  limits       4 pods, 50 % of a workload, 0 nodes, 5 min",
        "  last replica is kept",
        "  steady state may be lost meanwhile",
    ]
