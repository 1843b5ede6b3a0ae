"""Actions on replicas: who is hit, that leave is asked and the way back noted before, what is told when nobody is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits, undo
from seatrial.chaos.actions import finding, pods, stress, switches, terminations
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.endings import Ending
from seatrial.observe.records import PodView
from seatrial.paths import ROOT
from seatrial.system_file import load_system, parse_system

SYSTEM = load_system(ROOT / "system.yaml")
CLUSTER: Any = SimpleNamespace()
CLUSTER.another = lambda: CLUSTER


def pod(name: str, *, ready: bool = True) -> PodView:
    number = name.removeprefix("auth-")
    return PodView(
        "shop", name, f"uid of {name}", "", "worker", "Running", ready, False, 0, "app", f"{number:0>12}", 0.0, 0.0
    )


REPLICAS = {"auth": (pod("auth-1"), pod("auth-2"), pod("auth-3", ready=False)), "users": (pod("users-1"),)}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked and done, in order; nothing leaves the process."""
    done: list[Any] = []

    def observe(cluster: Any, namespace: str, workload: str) -> tuple[PodView, ...]:
        return REPLICAS.get(workload, ())

    def delete(cluster: Any, victim: PodView, grace_seconds: int | None = None) -> float:
        done.append(("delete", victim.name, grace_seconds))
        return 7.0

    for module in (pods, stress, switches, terminations):
        monkeypatch.setattr(module, "cluster_here", lambda: CLUSTER)
        monkeypatch.setattr(module, "system_here", lambda: SYSTEM)
    monkeypatch.setattr(finding, "observe_pods", observe)
    monkeypatch.setattr(pods, "is_service_whole", lambda *_: True)
    monkeypatch.setattr(pods, "delete_exactly", delete)
    monkeypatch.setattr(pods, "signal_container", lambda *what: done.append(what))
    monkeypatch.setattr(pods, "signal_containers", lambda *what: done.append(what) or 7.0)
    monkeypatch.setattr(terminations, "terminate_pods", lambda **what: done.append(what))
    monkeypatch.setattr(switches, "set_fault", lambda cluster, namespace, name, faults, body: done.append((name, body)))
    monkeypatch.setattr(
        stress.stress, "burn", lambda node, container, **how: done.append(("burn", node, container, how))
    )
    monkeypatch.setattr(stress.stress, "end_burn", lambda node, container: done.append(("end", node, container)))
    monkeypatch.setattr(undo, "record", lambda undo: done.append(undo))

    def permit(cluster: Any, system: Any, harm: limits.Harm) -> None:
        done.append(("permit", *(pod.name for pod in harm.pods)))

    monkeypatch.setattr(limits, "permit", permit)
    return done


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise GuardRefusal("too many")

    monkeypatch.setattr(limits, "permit", refuse)
    yield


HARMS = [
    (pods.crash_replicas, {}),
    (pods.crash_in_turn, {"within_seconds": 0}),
    (pods.stop_replicas, {}),
    (pods.delete_in_turn, {"within_seconds": 0}),
    (pods.delete_replicas, {}),
    (terminations.terminate_replicas, {}),
    (switches.switch_replicas, {"fault": "slow"}),
    (stress.stress_cpu, {"workers": 1, "seconds": 1}),
]
ids = [each.__name__ for each, _ in HARMS]


@pytest.mark.parametrize(("act", "more"), HARMS, ids=ids)
def test_nothing_is_done_without_leave(act: Any, more: dict[str, Any], told: list[Any], refused: None) -> None:
    with pytest.raises(GuardRefusal):
        act(targets="^auth-", **more)
    assert told == []


@pytest.mark.parametrize(("act", "more"), HARMS, ids=ids)
@pytest.mark.parametrize(
    ("targets", "why"),
    [
        ("", "targets is empty, which would name every replica: set SEATRIAL_TARGETS"),
        ("(", "targets '(' is no regular expression: missing ), unterminated subpattern at position 0"),
        ("^nobody-", "no ready replica in lead-platform has a name that matches '^nobody-'"),
        ("^auth-3$", "no ready replica in lead-platform has a name that matches '^auth-3$'"),
    ],
    ids=["empty", "no expression", "nobody", "nobody ready"],
)
def test_who_is_not_named_is_not_harmed(
    act: Any, more: dict[str, Any], targets: str, why: str, told: list[Any]
) -> None:
    with pytest.raises(ActivityFailed) as caught:
        act(targets=targets, **more)
    assert str(caught.value) == why
    assert told == []


@pytest.mark.parametrize(("act", "more"), HARMS, ids=ids)
def test_whoever_is_hit_is_told_with_the_time(act: Any, more: dict[str, Any]) -> None:
    targets = act(targets="^auth-[12]$", **more)
    assert sorted(target["uid"] for target in targets) == ["uid of auth-1", "uid of auth-2"]
    assert all({"pod", "node", "at"} <= target.keys() for target in targets)


def test_leave_is_asked_for_all_that_are_hit_together(told: list[Any]) -> None:
    pods.crash_replicas("^auth-")
    assert told[0] == ("permit", "auth-1", "auth-2")
    assert told[1:] == [("worker", ["000000000001", "000000000002"], "SIGKILL")]


def test_those_of_one_node_are_hit_at_the_moment_that_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"users": (replace(pod("users-1"), node="other"),), "auth": REPLICAS["auth"]}
    monkeypatch.setattr(finding, "observe_pods", lambda cluster, namespace, workload: others.get(workload, ()))
    moments = {"worker": 12.5, "other": 13.5}
    monkeypatch.setattr(pods, "signal_containers", lambda node, *_: moments[node])
    hits = pods.crash_replicas("^(auth|users)-")
    assert {hit["pod"]: hit["at"] for hit in hits} == {"auth-1": 12.5, "auth-2": 12.5, "users-1": 13.5}
    assert {hit["container"] for hit in hits if hit["node"] == "other"} == {"00000users-1"}


def test_how_a_stopped_process_is_continued_is_noted_before_it_is_stopped(told: list[Any]) -> None:
    pods.stop_replicas("^auth-1$")
    assert told == [
        ("permit", "auth-1"),
        undo.NodeUndo("worker", "continue", "000000000001", "continue auth-1"),
        ("worker", ["000000000001"], "SIGSTOP"),
    ]


def test_what_was_restarted_meanwhile_need_not_be_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise EnvironmentFault("no such container")

    monkeypatch.setattr(pods, "signal_container", gone)
    assert pods.continue_replicas("^auth-") is True


@pytest.fixture
def vanishing(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas of three services, auth, users and leads, that are gone as soon as they are deleted."""
    present = {**REPLICAS, "leads": (pod("leads-1"),)}

    def delete(cluster: Any, victim: PodView, grace_seconds: int | None) -> float:
        workload = victim.name.split("-")[0]
        present[workload] = tuple(each for each in present[workload] if each != victim)
        told.append(victim.name)
        return 7.0

    monkeypatch.setattr(finding, "observe_pods", lambda cluster, namespace, workload: present.get(workload, ()))
    monkeypatch.setattr(pods, "delete_exactly", delete)


@pytest.mark.parametrize(
    ("together", "turns"),
    [
        (1, [{"auth-1", "auth-2"}, {"users-1"}, {"leads-1"}]),
        (2, [{"auth-1", "auth-2", "users-1"}, {"leads-1"}]),
        (9, [{"auth-1", "auth-2", "users-1", "leads-1"}]),
    ],
)
def test_services_have_their_turns_so_many_at_a_time(
    told: list[Any], vanishing: None, together: int, turns: list[set[str]]
) -> None:
    pods.delete_in_turn("^(auth-1|auth-2|users-1|leads-1)$", 0, services_together=together)
    for turn in turns:
        permitted, *deleted = [told.pop(0) for _ in range(len(turn) + 1)]
        assert (permitted[0], set(permitted[1:]), set(deleted)) == ("permit", turn, turn)
    assert told == []


@pytest.mark.parametrize("late", ["auth", "users"])
def test_a_turn_waits_for_every_service_of_the_one_before(
    told: list[Any], vanishing: None, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    monkeypatch.setattr(pods, "is_service_whole", lambda cluster, system, service: service.name != late)
    hits = pods.delete_in_turn("^(auth-1|users-1|leads-1)$", 0, services_together=2)
    assert sorted(hit["pod"] for hit in hits) == ["auth-1", "users-1"]
    assert "leads-1" not in told


def test_the_next_crash_waits_for_the_containers_that_replace_those_of_the_one_before(
    told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    present = dict(REPLICAS)
    monkeypatch.setattr(finding, "observe_pods", lambda cluster, namespace, workload: present.get(workload, ()))
    hits = pods.crash_in_turn("^(auth-1|users-1)$", 0)
    assert [hit["pod"] for hit in hits] == ["auth-1"]  # its container is still the one that was killed

    def restart(node: str, container_ids: list[str], name: str) -> float:
        for service, replicas in present.items():
            present[service] = tuple(
                replace(each, container_id="new") if each.container_id in container_ids else each for each in replicas
            )
        return 7.0

    monkeypatch.setattr(pods, "signal_containers", restart)
    assert [hit["pod"] for hit in pods.crash_in_turn("^(auth-1|users-1)$", 0)] == ["auth-1", "users-1"]


def test_no_service_at_a_time_is_refused(told: list[Any]) -> None:
    with pytest.raises(ActivityFailed, match="services_together: 0 is not at least 1"):
        pods.delete_in_turn("^auth-", 0, services_together=0)
    assert told == []


def test_a_service_that_does_not_come_back_spares_the_others(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "is_service_whole", lambda *_: False)
    hits = pods.delete_in_turn("^(auth-1|users-1)$", 0)
    assert [hit["pod"] for hit in hits] == ["auth-1"]
    assert told == [("permit", "auth-1"), ("delete", "auth-1", 0)]


def test_chaosk8s_is_told_exactly_the_names(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    terminations.terminate_replicas("^auth-")
    permitted, call = told
    assert permitted == ("permit", "auth-1", "auth-2")
    assert call == {"name_pattern": r"^(auth\-1|auth\-2)$", "all": True, "ns": "lead-platform"}
    assert re.fullmatch(call["name_pattern"], "auth-1")


@pytest.mark.parametrize(
    ("ours", "its", "name"),
    [
        ("SEATRIAL_KUBECONFIG", "KUBECONFIG", "KUBECONFIG"),
        ("SEATRIAL_CONTEXT", "KUBERNETES_CONTEXT", "KUBERNETES_CONTEXT"),
    ],
)
def test_chaosk8s_is_kept_from_another_cluster(
    told: list[Any], monkeypatch: pytest.MonkeyPatch, ours: str, its: str, name: str
) -> None:
    for variable in ("SEATRIAL_KUBECONFIG", "KUBECONFIG", "SEATRIAL_CONTEXT", "KUBERNETES_CONTEXT"):
        monkeypatch.setenv(variable, "one")
    monkeypatch.setenv(its, "another")
    with pytest.raises(ActivityFailed) as caught:
        terminations.terminate_replicas("^auth-")
    assert str(caught.value) == f"chaosk8s would act on another cluster: set {name} to the value of {ours}"
    assert told == []


def test_a_fault_is_switched_by_its_declared_name_and_the_way_back_is_a_request(told: list[Any]) -> None:
    switches.switch_replicas("^auth-1$", "slow")
    assert SYSTEM.faults is not None
    permitted, back, switched = told
    assert permitted == ("permit", "auth-1")
    assert (back.method, back.path) == ("PUT", "/api/v1/namespaces/shop/pods/http:auth-1:9901/proxy/faults")
    assert (back.body, back.content_type) == (SYSTEM.faults.ready, "application/json")
    assert switched == ("auth-1", {"latency_seconds": 0.6})


def test_a_fault_that_is_not_declared_is_told_with_those_that_are(told: list[Any]) -> None:
    with pytest.raises(
        ActivityFailed, match=r"^lead marketplace declares no fault 'sulking', but not_ready, ready, hang"
    ):
        switches.switch_replicas("^auth-", "sulking")
    assert told == []


def test_a_system_without_switches_is_told_what_to_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = parse_system("name: shop\nnamespace: shop\nservices: [{name: auth}]\n", "system.yaml")
    monkeypatch.setattr(switches, "system_here", lambda: bare)
    with pytest.raises(ActivityFailed, match=r"^shop declares no fault switches \('faults' in system.yaml\)$"):
        switches.switch_replicas("^auth-", "slow")


def test_all_switches_are_put_back_in_replicas_that_are_not_ready_too(told: list[Any]) -> None:
    assert SYSTEM.faults is not None
    assert switches.restore_replicas("^auth-") is True
    assert told == [(name, SYSTEM.faults.ready) for name in ("auth-1", "auth-2", "auth-3")]


def ending(name: str, at: float) -> Ending:
    return Ending(name, f"uid of {name}", "OOMKilled", 137, at)


def test_memory_is_taken_until_each_container_has_ended_anew(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    before = ending("auth-1", 3.0)
    looks = iter([(before,), (before,), (ending("auth-1", 9.0), ending("auth-2", 8.0))])
    monkeypatch.setattr(switches, "endings_of_all", lambda *_: next(looks))
    monkeypatch.setattr("time.sleep", lambda _: None)
    hits = switches.fill_memory("^auth-", 60)
    assert {hit["pod"]: hit["at"] for hit in hits} == {"auth-1": 9.0, "auth-2": 8.0}
    assert ("auth-1", {"memory_mib_per_second": 64.0}) in told


def test_a_container_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "endings_of_all", lambda *_: (ending("auth-1", 3.0),))
    with pytest.raises(ActivityFailed, match=r"^still there after 0 s of taking memory: auth-1, auth-2$"):
        switches.fill_memory("^auth-", 0)


def test_busy_loops_are_noted_started_and_ended(told: list[Any]) -> None:
    stress.stress_cpu("^auth-1$", 2, 30)
    stress.end_stress("^auth-1$")
    assert told == [
        ("permit", "auth-1"),
        undo.NodeUndo("worker", "end-stress", "", "end the busy loops beside auth-1"),
        ("burn", "worker", "000000000001", {"workers": 2, "seconds": 30}),
        ("end", "worker", "000000000001"),
    ]


def test_a_replica_whose_loops_cannot_be_ended_hinders_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise EnvironmentFault("no such node")

    monkeypatch.setattr(stress.stress, "end_burn", gone)
    assert stress.end_stress("^auth-") is True


def test_a_terminating_replica_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REPLICAS, "users", (replace(pod("users-1"), terminating=True),))
    with pytest.raises(ActivityFailed):
        pods.crash_replicas("^users-")
