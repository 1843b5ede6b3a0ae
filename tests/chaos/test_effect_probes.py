"""What proves a fault: asked of whoever knows it, and never said without a subject."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.probes import began, nodes, replicas, steady
from seatrial.chaos.probes.nodes import are_elsewhere
from seatrial.chaos.probes.replicas import all_ended, are_as_told
from seatrial.cluster.drain import NodeView
from seatrial.errors import EnvironmentFault
from seatrial.observe.endings import Ending
from seatrial.observe.records import Endpoint, PodView
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM = load_system(ROOT / "system.yaml")


def pod(name: str, *, created: float = 0.0, ready: bool = True, node: str = "worker") -> PodView:
    return PodView("shop", name, f"uid of {name}", "", node, "Running", ready, False, 0, "app", "abc", created, 0.0)


def ending(name: str, at: float, reason: str = "Error") -> Ending:
    return Ending(name, f"uid of {name}", reason, 137, at)


Pods = list[PodView]


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> Pods:
    """The replicas that there are; the experiment began at 100."""
    pods: Pods = []
    for module in (replicas, nodes):
        monkeypatch.setattr(module, "cluster_here", lambda: None)
        monkeypatch.setattr(module, "system_here", lambda: SYSTEM)
        monkeypatch.setattr(module, "began_at", lambda cluster: 100.0)
        monkeypatch.setattr(module, "replicas_of", lambda *_: tuple(pods))
    monkeypatch.setattr(steady, "POLL_SECONDS", 0.01)
    return pods


@pytest.mark.parametrize(
    ("pods", "gone"),
    [
        ([], True),
        ([pod("auth-1", created=90)], False),
        ([pod("auth-1", created=110)], True),
        ([pod("auth-1", created=110), pod("auth-2", created=90)], False),
        ([pod("users-1", created=90)], True),
    ],
    ids=["none", "the old one", "a new one", "both", "another's"],
)
def test_replicas_are_gone_when_none_that_matches_is_older_than_the_experiment(
    present: Pods, pods: Pods, gone: bool
) -> None:
    present += pods
    assert replicas.replicas_are_gone("^auth-", 0) is gone


@pytest.mark.parametrize(
    ("endings", "reason", "ended"),
    [
        ([ending("auth-1", 101), ending("auth-2", 102)], "", True),
        ([ending("auth-1", 101), ending("auth-2", 99)], "", False),
        ([ending("auth-1", 101)], "", False),
        ([ending("auth-1", 101, "OOMKilled"), ending("auth-2", 102, "OOMKilled")], "OOMKilled", True),
        ([ending("auth-1", 101, "OOMKilled"), ending("auth-2", 102)], "OOMKilled", False),
    ],
    ids=["both", "one before", "one never", "both for the reason", "one for another"],
)
def test_containers_ended_only_when_each_did_since_then_and_for_the_reason(
    endings: list[Ending], reason: str, ended: bool
) -> None:
    assert all_ended([pod("auth-1"), pod("auth-2")], endings, 100.0, reason) is ended


def test_nobody_has_not_ended() -> None:
    assert not all_ended([], [ending("auth-1", 101)], 100.0, "")


def test_an_end_is_waited_for(present: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    present.append(pod("auth-1"))
    looks = iter([(), (), (ending("auth-1", 101),)])
    monkeypatch.setattr(replicas, "endings_of_all", lambda *_: next(looks))
    assert replicas.containers_ended("^auth-", 60) is True


@pytest.mark.parametrize(
    ("states", "stopped"), [(("T", "T"), True), (("T", "S"), False), ((), False)], ids=["all", "some", "none"]
)
def test_only_the_kernels_word_on_every_process_proves_a_stop(
    present: Pods, monkeypatch: pytest.MonkeyPatch, states: tuple[str, ...], stopped: bool
) -> None:
    present.append(pod("auth-1"))
    monkeypatch.setattr(replicas, "process_states", lambda node, container: states)
    assert replicas.processes_are_stopped("^auth-") is stopped


@pytest.mark.parametrize("ready", [True, False])
def test_readiness_is_lost_when_no_replica_that_matches_has_it(present: Pods, ready: bool) -> None:
    present += [pod("auth-1", ready=False), pod("auth-2", ready=ready), pod("users-1")]
    assert replicas.replicas_are_unready("^auth-", 0) is not ready


@pytest.mark.parametrize(
    "probe",
    [
        replicas.processes_are_stopped,
        lambda targets: replicas.replicas_are_unready(targets, 0),
        lambda targets: replicas.used_cores(targets, 0),
        lambda targets: replicas.replicas_answer(targets, 1),
    ],
    ids=["stopped", "unready", "cpu", "answer"],
)
def test_nothing_is_said_about_nobody(probe: Callable[[str], bool], present: Pods) -> None:
    present.append(pod("users-1"))
    with pytest.raises(ActivityFailed) as caught:
        probe("^auth-")
    assert str(caught.value) == "no replica in lead-platform has a name that matches '^auth-' any more"


def test_the_use_of_the_cores_is_counted_over_a_while_and_the_least_is_told(
    present: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    present += [pod("auth-1"), pod("auth-2")]
    clock, counters = iter([10.0, 11.0, 30.0, 31.0]), iter([5.0, 100.0, 20.0, 111.0])
    monkeypatch.setattr(replicas.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(replicas, "used_cpu_seconds", lambda node, container: next(counters))
    assert replicas.used_cores("^auth-", for_seconds=0) == 0.55


@pytest.mark.parametrize(
    ("answers", "status", "seconds", "told"),
    [
        ([(500, 0.0), (500, 0.1)], 500, 0.0, True),
        ([(500, 0.0), (200, 0.1)], 500, 0.0, False),
        ([(200, 0.3), (503, 0.2)], 0, 0.2, True),
        ([(200, 0.3), (200, 0.1)], 0, 0.2, False),
        ([(0, 9.0)], 0, 0.2, False),
        ([], 0, 0.0, False),
    ],
    ids=["status", "another", "slow", "one quick", "no answer", "nobody asked"],
)
def test_a_replica_misbehaves_only_when_every_answer_does(
    answers: list[tuple[int, float]], status: int, seconds: float, told: bool
) -> None:
    assert are_as_told(answers, status, seconds) is told


@pytest.mark.parametrize(
    ("headers", "proven"), [({"X-Served-By": "auth-1"}, True), ({}, False)], ids=["the replica", "the API server"]
)
def test_only_the_replicas_own_answer_counts(
    present: Pods, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], proven: bool
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(500, headers=headers)

    def http(timeout_seconds: float) -> httpx.Client:
        return httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer))

    def observe(cluster: Any, namespace: str, service: str) -> tuple[Endpoint, ...]:
        ends = [
            (name, Endpoint("10.0.0.1", name, "worker", True, True, False, (8080,))) for name in ("auth-1", "auth-2")
        ]
        return tuple(end for _, end in ends) if service == "auth" else ()

    present += [pod("auth-1"), pod("auth-2")]
    monkeypatch.setattr(replicas, "cluster_here", lambda: SimpleNamespace(http=http))
    monkeypatch.setattr(replicas, "observe_endpoints", observe)
    assert replicas.replicas_answer("^auth-1$", requests=2, status=500) is proven
    assert asked == ["/api/v1/namespaces/lead-platform/pods/http:auth-1:8079/proxy/whoami"] * 2


@pytest.mark.parametrize(
    ("young", "elsewhere"),
    [
        ((pod("auth-9", node="other"),), True),
        ((pod("auth-9", node="worker"),), False),
        ((pod("auth-9", node="other", ready=False),), False),
        ((pod("auth-8", node="other"), pod("auth-9", node="worker")), False),
        ((), False),
    ],
    ids=["elsewhere", "there again", "not ready", "one there", "none"],
)
def test_replacements_are_elsewhere_only_when_there_are_some_all_ready_and_none_is_on_the_node(
    young: tuple[PodView, ...], elsewhere: bool
) -> None:
    assert are_elsewhere(young, "worker", 1) is elsewhere


def test_only_pods_of_this_experiment_are_replacements(present: Pods) -> None:
    present += [pod("auth-1", created=90), pod("auth-9", created=110, node="other")]
    assert nodes.replacements_are_elsewhere("worker", 1, 0) is True


def test_containers_of_pods_that_came_later_need_not_have_ended(present: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    present += [pod("auth-1"), pod("auth-2", node="other"), pod("auth-9", created=110)]
    monkeypatch.setattr(nodes, "endings_of_all", lambda *_: (ending("auth-1", 101),))
    assert nodes.containers_there_ended("worker", 0) is True


@pytest.mark.parametrize(
    ("node", "cordoned", "lost"),
    [
        (NodeView("worker", True, True, True, False), True, False),
        (NodeView("worker", True, True, False, False), False, False),
        (NodeView("worker", False, False, False, False), False, True),
    ],
    ids=["ours", "somebody's", "lost"],
)
def test_a_node_is_told_by_the_control_plane(
    monkeypatch: pytest.MonkeyPatch, node: NodeView, cordoned: bool, lost: bool
) -> None:
    monkeypatch.setattr(nodes, "observe_node", lambda cluster, name: node)
    assert nodes.node_is_cordoned("worker") is cordoned
    assert nodes.node_is_lost("worker", 0) is lost
    assert nodes.node_is_ready("worker", 0) is not lost


@pytest.mark.parametrize(("packets", "dropped"), [(0, False), (1, True)])
def test_packets_were_dropped_only_when_some_were_counted(
    monkeypatch: pytest.MonkeyPatch, packets: int, dropped: bool
) -> None:
    monkeypatch.setattr(nodes.node_faults, "dropped_packets", lambda node: packets)
    assert nodes.packets_were_dropped("worker") is dropped


@pytest.mark.parametrize(("at", "started"), [(99.0, False), (100.0, True)])
def test_a_node_was_started_only_since_the_experiment_began(
    monkeypatch: pytest.MonkeyPatch, at: float, started: bool
) -> None:
    monkeypatch.setattr(nodes.node_faults, "started_at", lambda node: at)
    assert nodes.node_was_started("worker") is started


def api_server(headers: dict[str, str]) -> Any:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers))
    return SimpleNamespace(http=lambda: httpx.Client(base_url="http://api", transport=transport))


def test_the_beginning_is_told_on_the_api_servers_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(began, "BEGAN", time.monotonic() - 30)
    at = began.began_at(api_server({"Date": "Wed, 25 Nov 2026 00:18:11 GMT"}))
    assert at == pytest.approx(1795565891 - 31, abs=1)


def test_an_api_server_that_does_not_say_what_time_it_is_is_told() -> None:
    with pytest.raises(EnvironmentFault, match=r"^the API server does not say .*: its answer bears no date$"):
        began.began_at(api_server({}))
