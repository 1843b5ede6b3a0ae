"""Why a workload is not rolled out, in one line for each pod."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seatrial.cluster.troubles import observe_troubles, troubles
from seatrial.errors import EnvironmentFault

WORKLOAD = {"spec": {"selector": {"matchLabels": {"tier": "edge", "app": "gateway"}}}, "status": {"conditions": []}}


def pod(name: str, *containers: dict[str, Any], ready: bool = False, **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}, *more.pop("conditions", [])]
    return {"metadata": {"name": name}, "status": {"conditions": conditions, "containerStatuses": containers, **more}}


def container(state: dict[str, Any], *, ready: bool = False, name: str = "nginx") -> dict[str, Any]:
    return {"name": name, "ready": ready, "state": state}


def warning(about: str, reason: str, message: str) -> dict[str, Any]:
    return {"involvedObject": {"kind": "Pod", "name": about}, "reason": reason, "message": message}


CRASHES = container({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s\nrestarting"}})
CREATING = container({"waiting": {"reason": "ContainerCreating"}})
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (pod("gateway-1", CRASHES), "gateway-1: nginx waits: CrashLoopBackOff: back-off 10s restarting"),
        (pod("gateway-1", CREATING), "gateway-1: nginx waits: ContainerCreating"),
        (pod("gateway-1", container({"running": {}})), "gateway-1: nginx runs, and is not ready"),
        (
            pod("gateway-1", container({"terminated": {"exitCode": 137}})),
            "gateway-1: nginx ended with exit code 137",
        ),
        (
            pod("gateway-1", initContainerStatuses=[CRASHES]),
            "gateway-1: nginx waits: CrashLoopBackOff: back-off 10s restarting",
        ),
        (pod("gateway-1", conditions=[UNSCHEDULED]), "gateway-1: is not scheduled: 0/3 nodes are available"),
        (pod("gateway-1"), "gateway-1: not ready"),
        ({"metadata": {"name": "gateway-1"}}, "gateway-1: not ready"),
    ],
    ids=["crashes", "creating", "not ready", "ended", "before it", "unscheduled", "untold", "no status"],
)
def test_a_pod_that_is_not_ready_is_told_with_what_its_containers_do(given: dict[str, Any], line: str) -> None:
    assert list(troubles(WORKLOAD, [given], [])) == [line]


def test_what_the_events_warn_of_is_told_with_its_pod_the_last_of_it_and_that_of_others_is_not() -> None:
    events = [
        warning("gateway-1", "FailedScheduling", "0/3 nodes"),
        warning("gateway-1", "FailedMount", 'secret "gateway-tls" not found'),
        warning("auth-1", "Unhealthy", "Readiness probe failed"),
    ]
    assert list(troubles(WORKLOAD, [pod("gateway-1", CREATING)], events)) == [
        'gateway-1: nginx waits: ContainerCreating; FailedMount: secret "gateway-tls" not found'
    ]


def test_pods_that_are_ready_are_not_told() -> None:
    done = container({"terminated": {"exitCode": 0}}, name="once")
    ready = pod("gateway-2", container({"running": {}}, ready=True), done, ready=True)
    assert list(troubles(WORKLOAD, [ready], [warning("gateway-2", "Unhealthy", "was slow")])) == []


def test_pods_that_cannot_even_be_made_are_told_by_the_workload() -> None:
    conditions = [
        {"type": "Available", "status": "False", "message": "no"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "violates\nPodSecurity"},
    ]
    assert list(troubles(WORKLOAD | {"status": {"conditions": conditions}}, [], [])) == [
        "FailedCreate: violates PodSecurity"
    ]


class Kubectl:
    """Answers for Deployment ``gateway``; notes what it is asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, ...]] = []

    def kubectl(self, *arguments: str) -> str:
        self.asked.append(arguments)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, str) else json.dumps(answer)


def test_the_pods_of_the_workload_are_asked_for_and_the_warnings_of_its_namespace() -> None:
    cluster: Any = Kubectl(WORKLOAD, {"items": [pod("gateway-1", CREATING)]}, {"items": []})
    assert observe_troubles(cluster, "deployment/gateway", "shop") == ["gateway-1: nginx waits: ContainerCreating"]
    rest = ("--namespace=shop", "--output=json")
    assert cluster.asked == [
        ("get", "deployment/gateway", *rest),
        ("get", "pods", "--selector=app=gateway,tier=edge", *rest),
        ("get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp", *rest),
    ]


def test_a_workload_without_pods_says_so() -> None:
    cluster: Any = Kubectl(WORKLOAD, {"items": []}, {"items": []})
    assert observe_troubles(cluster, "deployment/gateway", "shop") == ["it has no pods, and nothing tells why"]


@pytest.mark.parametrize("answer", [EnvironmentFault("kubectl get: refused\nmore"), "no JSON"])
def test_what_cannot_be_read_hides_nothing_of_what_is_known(answer: Any) -> None:
    cluster: Any = Kubectl(answer)
    (line,) = observe_troubles(cluster, "deployment/gateway", "shop")
    assert line.startswith("its pods cannot be read: ")
    assert "\n" not in line
