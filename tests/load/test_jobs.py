"""The load as Kubernetes objects: bounded, harmless, spread, and found again."""

from __future__ import annotations

from typing import Any

import pytest
from shop import SYSTEM

from seatrial.load.demand import Demand
from seatrial.load.jobs import Plan, files_object, master_job, worker_job
from seatrial.load.pod import PORT
from seatrial.observe import agent
from seatrial.system_file import parse_system

PLAN = Plan(
    run="3f9a2c",
    system=parse_system(SYSTEM, "system.yaml"),
    demand=Demand(users=90, seconds=60, workers=3),
    image="registry.test/load:1",
    environment={"SEATRIAL_URLS": "{}", "HOME": "/load"},
    files={"system.yaml": SYSTEM, "authority.pem": ""},
    run_seconds=240.0,
    deadline_seconds=630.0,
)
MASTER = master_job(PLAN)
WORKERS = worker_job(PLAN, "10.244.1.7", "uid-1")
both = pytest.mark.parametrize("job", [MASTER, WORKERS], ids=["master", "workers"])


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["spec"]["template"]["spec"])


def container_of(job: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod_of(job)["containers"]
    return dict(container)


def test_the_master_hands_the_customers_out_when_all_workers_are_there_and_ends_by_itself() -> None:
    assert container_of(MASTER)["args"] == [
        "--headless",
        "--only-summary",
        "--master",
        "--master-bind-port=5557",
        "--expect-workers=3",
        "--expect-workers-max-wait=630",
        "--users=90",
        "--spawn-rate=60",
        "--run-time=240s",
        "--enable-rebalancing",
        "--exit-code-on-error=0",
        "--locustfile=/app/seatrial/load/locustfile.py",
        "--logfile=/load/locust.log",
    ]
    assert MASTER["spec"]["parallelism"] == MASTER["spec"]["completions"] == 1


def test_workers_find_their_master_by_its_address() -> None:
    arguments = container_of(WORKERS)["args"]
    assert arguments[:3] == ["--worker", "--master-host=10.244.1.7", "--master-port=5557"]
    assert WORKERS["spec"]["parallelism"] == WORKERS["spec"]["completions"] == 3


@both
def test_a_job_ends_whoever_vanished_and_is_removed(job: dict[str, Any]) -> None:
    spec = job["spec"]
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (630, 60)
    assert (spec["completionMode"], spec["backoffLimitPerIndex"]) == ("Indexed", 0)
    assert pod_of(job)["restartPolicy"] == "Never"


@both
def test_all_is_found_by_the_label_of_its_run(job: dict[str, Any]) -> None:
    key, _, value = PLAN.selector.partition("=")
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels[key] == value == "3f9a2c"
    assert files_object(PLAN)["metadata"]["labels"][key] == value


@both
def test_no_sidecar_of_a_mesh_keeps_a_job_from_ending(job: dict[str, Any]) -> None:
    assert job["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


@both
def test_a_pod_may_nothing_that_a_restricted_namespace_forbids(job: dict[str, Any]) -> None:
    pod, container = pod_of(job), container_of(job)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@both
def test_a_pod_has_requests_and_limits_and_keeps_away_from_its_like(job: dict[str, Any]) -> None:
    resources = container_of(job)["resources"]
    assert [set(resources[kind]) for kind in ("requests", "limits")] == [{"cpu", "memory"}] * 2
    (spread,) = pod_of(job)["topologySpreadConstraints"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


@both
def test_the_image_is_the_one_that_was_given(job: dict[str, Any]) -> None:
    container = container_of(job)
    assert (container["image"], container["imagePullPolicy"]) == ("registry.test/load:1", "IfNotPresent")
    assert container["env"] == [{"name": "HOME", "value": "/load"}, {"name": "SEATRIAL_URLS", "value": "{}"}]


def test_the_description_of_the_system_is_kept_secret_and_read_only() -> None:
    secret = files_object(PLAN)
    assert (secret["kind"], secret["stringData"]) == ("Secret", {"system.yaml": SYSTEM, "authority.pem": ""})
    data = next(each for each in pod_of(WORKERS)["volumes"] if each["name"] == "data")
    assert data["secret"] == {"secretName": secret["metadata"]["name"]}


def test_the_door_is_where_the_wire_looks_for_it() -> None:
    assert agent.PORT == PORT
