"""Who is to suffer: found by what the experiment was told, and never everybody by mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.cluster.client import Cluster
from seatrial.cluster.drain import NodeView, observe_node
from seatrial.observe.kube import observe_pods, ready_pods
from seatrial.observe.records import PodView
from seatrial.system import Service, System

Target = dict[str, Any]
"""What an action says of one that it hit: ``pod`` or ``node``, ``uid``, ``at`` …."""


def replicas_of(cluster: Cluster, system: System, services: Iterable[Service] | None = None) -> tuple[PodView, ...]:
    """Return the replicas of these services, of all that are declared when they are left out."""
    chosen = system.services if services is None else services
    return tuple(pod for each in chosen for pod in observe_pods(cluster, system.namespace, each.workload))


def targets_of(cluster: Cluster, system: System, targets: str) -> tuple[PodView, ...]:
    """Return the ready replicas whose names match; raises ActivityFailed when there is none."""
    found = matching(targets, ready_pods(replicas_of(cluster, system)))
    if not found:
        raise ActivityFailed(f"no ready replica in {system.namespace} has a name that matches {targets!r}")
    return found


def matching(targets: str, pods: Iterable[PodView]) -> tuple[PodView, ...]:
    """Return the pods whose names match; raises ActivityFailed when that would say nothing about who is meant."""
    if not targets:
        raise ActivityFailed("targets is empty, which would name every replica: set SEATRIAL_TARGETS")
    try:
        pattern = re.compile(targets)
    except re.error as error:
        raise ActivityFailed(f"targets {targets!r} is no regular expression: {error}") from error
    return tuple(pod for pod in pods if pattern.search(pod.name))


def worker(cluster: Cluster, node: str) -> NodeView:
    """Return a node that may suffer; raises ActivityFailed when it is none, EnvironmentFault when it is not there."""
    if not node:
        raise ActivityFailed("no node is named: set SEATRIAL_NODE")
    found = observe_node(cluster, node)
    if found.control_plane:
        raise ActivityFailed(f"node {node} is of the control plane, which the trial itself needs: name a worker")
    return found


def hit(pod: PodView, at: float, **more: Any) -> Target:
    """Say that a replica was hit."""
    return {"pod": pod.name, "uid": pod.uid, "node": pod.node, "at": at, **more}
