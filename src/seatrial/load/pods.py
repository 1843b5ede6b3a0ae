"""The pods of a load in a cluster: waiting for them, and saying why they do not come."""

from __future__ import annotations

import threading
import time
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.load.jobs import ROLE_LABEL, Plan
from seatrial.observe.agent import Agent
from seatrial.observe.find_agents import ready_pods
from seatrial.observe.kube import UNREAD, pod_view, unread
from seatrial.observe.records import PodView

ANSWER_SECONDS = 10.0
EVERY_SECONDS = 0.5


def await_pods(cluster: Cluster, plan: Plan, role: str, count: int, within_seconds: float) -> tuple[PodView, ...]:
    """Return the pods of one role by name, when so many are ready.

    Raises EnvironmentFault, with what keeps the first of them, when they are not within the bound, or when one failed.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        pods = _pods(cluster, plan, role)
        views = tuple(sorted((pod_view(pod) for pod in pods), key=lambda view: view.name))
        if sum(view.ready and not view.terminating for view in views) >= count:
            return tuple(view for view in views if view.ready)
        failed = any(view.phase == "Failed" for view in views)
        if failed or time.monotonic() > deadline:
            why = next((told for pod in pods if (told := pod_trouble(pod))), "Kubernetes made no pod")
            ready = sum(view.ready for view in views)
            raise EnvironmentFault(
                f"the load does not start: {ready} of {count} pods of its {role} ({plan.system.namespace}/{plan.name}"
                f"-{role}) are ready{'' if failed else f' within {within_seconds:g} s'}: {why}"
            )
        threading.Event().wait(EVERY_SECONDS)


def pod_agent(cluster: Cluster, pod: PodView) -> Agent:
    """Return the door to a pod of the load."""
    http = cluster.http(timeout_seconds=ANSWER_SECONDS)
    return Agent(pod.node, pod.namespace, pod.name, http, kind="load")


def pod_trouble(pod: Any) -> str:
    """Return what keeps a pod from being ready, in its own words; empty when nothing is known, or it is ready."""
    if ready_pods([pod]):
        return ""
    name, status = pod.metadata.name, pod.status
    unscheduled = [each for each in status.conditions or () if each.type == "PodScheduled" and each.status == "False"]
    states = [each.state for each in status.container_statuses or () if each.state]
    told = [each.message or each.reason for each in unscheduled]
    told += [f"{each.waiting.reason}: {each.waiting.message or ''}" for each in states if each.waiting]
    told += [f"ended with {each.terminated.exit_code}" for each in states if each.terminated]
    told += [status.message or status.reason] if status.message or status.reason else []
    return f"{name}: {' '.join(str(told[0]).split()).removesuffix(':')}" if told else ""


def _pods(cluster: Cluster, plan: Plan, role: str) -> list[Any]:
    selector = f"{plan.selector},{ROLE_LABEL}={role}"
    try:
        found = cluster.core.list_namespaced_pod(plan.system.namespace, label_selector=selector, _request_timeout=10)
    except UNREAD as error:
        raise unread(f"the pods of {plan.system.namespace}/{plan.name}", error) from error
    return list(found.items)
