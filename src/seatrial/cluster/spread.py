"""How the replicas of workloads stand on the nodes, and spreading them anew where they all stand on one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.observe.kube import UNREAD, observe_pods, ready_pods, unread
from seatrial.observe.records import PodView

Standing = Mapping[str, Sequence[PodView]]
"""Deployment to its ready replicas."""


def observe_standing(cluster: Cluster, namespace: str) -> Standing:
    """Return the ready replicas of every Deployment of a namespace."""
    try:
        found: Any = cluster.apps.list_namespaced_deployment(namespace).items
    except UNREAD as error:
        raise unread(f"the Deployments of {namespace}", error) from error
    names = sorted(each.metadata.name for each in found)
    return {name: ready_pods(observe_pods(cluster, namespace, name)) for name in names}


def lopsided(standing: Standing) -> tuple[str, ...]:
    """Return the Deployments whose replicas, two or more, all stand on one node."""
    return tuple(name for name, pods in standing.items() if len(pods) > 1 and len({pod.node for pod in pods}) == 1)


def can_be_lost(standing: Standing, workloads: Collection[str]) -> tuple[str, ...]:
    """Return the nodes that hold a replica of each of these workloads, and not all replicas of any Deployment."""
    places = {name: {pod.node for pod in pods} for name, pods in standing.items() if pods}
    nodes = sorted(set().union(*places.values()))
    return tuple(
        node
        for node in nodes
        if all(node in places.get(name, ()) for name in workloads) and {node} not in places.values()
    )


def spread(cluster: Cluster, namespace: str, *, within_seconds: float) -> tuple[str, ...]:
    """Have one replica of each lopsided Deployment of a namespace made anew, wait for it, and return the Deployments.

    The scheduler never moves what stands, so that replicas stay together where a drain has left them; what is new goes
    where the others are not. Raises GuardRefusal elsewhere than on ours, EnvironmentFault when a replica is not
    replaced within the bound.
    """
    require_owned(cluster)
    standing = observe_standing(cluster, namespace)
    names, here = lopsided(standing), f"--namespace={namespace}"
    bound, longest = f"--timeout={within_seconds:.0f}s", within_seconds + 30
    if names:
        pods = [f"pod/{standing[name][0].name}" for name in names]
        deployments = [f"deployment/{name}" for name in names]
        cluster.kubectl("delete", *pods, here, bound, timeout_seconds=longest)  # returns when they are gone
        cluster.kubectl("rollout", "status", *deployments, here, bound, timeout_seconds=longest)
    return names
