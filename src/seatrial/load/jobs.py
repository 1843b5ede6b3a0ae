"""The load in a cluster as Kubernetes objects: a Job of Locust's master, one of its workers, and what both read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.load.demand import Demand
from seatrial.load.pod import LOG, PORT
from seatrial.system import System

Object = dict[str, Any]
RUN_LABEL = "seatrial.dev/load"
"""Of all objects of one load, with its run as value."""
ROLE_LABEL = "app.kubernetes.io/component"
MASTER, WORKER = "master", "worker"
MASTER_PORT = 5557
"""Locust's own."""
KEPT_SECONDS = 60
"""A Job that ended by itself is removed after this time, and with the master's all the rest: it owns them."""
FOLDER, DATA = "/load", "/data"
LOCUSTFILE = "/app/seatrial/load/locustfile.py"
RESOURCES = {
    MASTER: {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    # Python uses one core; what it makes there is some hundreds of requests a second
    WORKER: {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
}


@dataclass(frozen=True)
class Plan:
    """One load in a cluster."""

    run: str
    """What tells its objects from those of another load."""
    system: System
    demand: Demand
    image: str
    environment: Mapping[str, str]
    """Variables of Locust's process."""
    files: Mapping[str, str]
    """Name to text of what its process reads from :data:`DATA`."""
    run_seconds: float
    """After which Locust ends by itself."""
    deadline_seconds: float
    """After which Kubernetes ends the pods, whatever they do."""

    @property
    def name(self) -> str:
        return f"load-{self.run}"

    @property
    def selector(self) -> str:
        """Return the label selector of all its objects."""
        return f"{RUN_LABEL}={self.run}"


def files_object(plan: Plan) -> Object:
    """Return the Secret with what the pods read: the description of a system may hold the password of its log-in."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(plan), "stringData": dict(plan.files)}


def master_job(plan: Plan) -> Object:
    """Return the Job of the master, which hands the customers out and knows when all is over."""
    users = [f"--users={plan.demand.users}", f"--spawn-rate={plan.demand.join_per_second}"]
    wait = [f"--expect-workers={plan.demand.workers}", f"--expect-workers-max-wait={plan.deadline_seconds:.0f}"]
    run = [f"--run-time={plan.run_seconds:.0f}s", "--enable-rebalancing", "--exit-code-on-error=0"]
    master = ["--master", f"--master-bind-port={MASTER_PORT}"]
    options = ["--headless", "--only-summary", *master, *wait, *users, *run]
    return _job(plan, MASTER, 1, options, None)


def worker_job(plan: Plan, master_address: str, owner_uid: str) -> Object:
    """Return the Job of the workers; it goes when the master's does."""
    options = ["--worker", f"--master-host={master_address}", f"--master-port={MASTER_PORT}"]
    return _job(plan, WORKER, plan.demand.workers, options, owner_uid)


def owned(item: Object, plan: Plan, owner_uid: str) -> Object:
    """Return an object that goes when the master's Job does."""
    return {**item, "metadata": {**item["metadata"], "ownerReferences": [_owner(plan, owner_uid)]}}


def _owner(plan: Plan, uid: str) -> Object:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": f"{plan.name}-{MASTER}", "uid": uid}


def _metadata(plan: Plan, role: str = "") -> Object:
    labels = {"app.kubernetes.io/name": "load", "app.kubernetes.io/part-of": "seatrial", RUN_LABEL: plan.run}
    name = f"{plan.name}-{role}" if role else plan.name
    return {
        "name": name,
        "namespace": plan.system.namespace,
        "labels": labels | ({ROLE_LABEL: role} if role else {}),
    }


def _job(plan: Plan, role: str, pods: int, options: Sequence[str], owner_uid: str | None) -> Object:
    metadata = _metadata(plan, role)
    # customers come from outside of any mesh; and a sidecar of the older kind would never let a Job end
    labels = {**metadata["labels"], "sidecar.istio.io/inject": "false"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "parallelism": pods,
            "completions": pods,
            "completionMode": "Indexed",
            # a worker that was lost is told, not replaced, and takes no other one with it
            "backoffLimitPerIndex": 0,
            "activeDeadlineSeconds": int(plan.deadline_seconds),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": _pod(plan, role, options)},
        },
    }
    return owned(job, plan, owner_uid) if owner_uid else job


def _pod(plan: Plan, role: str, options: Sequence[str]) -> Object:
    alike = {"matchLabels": {RUN_LABEL: plan.run, ROLE_LABEL: role}}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [{**spread, "labelSelector": alike}],
        "volumes": [
            {"name": "records", "emptyDir": {"sizeLimit": "2Gi"}},
            {"name": "data", "secret": {"secretName": plan.name}},
        ],
        "containers": [_container(plan, role, options)],
    }


def _container(plan: Plan, role: str, options: Sequence[str]) -> Object:
    return {
        "name": "load",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [*options, f"--locustfile={LOCUSTFILE}", f"--logfile={FOLDER}/{LOG}"],
        "env": [{"name": name, "value": value} for name, value in sorted(plan.environment.items())],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        "resources": RESOURCES[role],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "records", "mountPath": FOLDER},
            {"name": "data", "mountPath": DATA, "readOnly": True},
        ],
    }
