"""Taking a node out of service by the API: cordoned under our name, its pods evicted as their budgets allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from kubernetes.client import V1DeleteOptions, V1Eviction, V1ObjectMeta, V1Preconditions
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import UNREAD, cannot_be, pod_view, unread
from seatrial.observe.records import PodView
from seatrial.waiting import MONOTONIC, Clock

CORDONED = "seatrial.dev/cordoned"
"""Annotation of a node that was cordoned here; no other is uncordoned."""
MIRROR = "kubernetes.io/config.mirror"
"""Annotation of a pod that a node's kubelet runs from a file: the API server cannot end it."""
ROLE = "node-role.kubernetes.io/control-plane"
UNCORDON: dict[str, Any] = {"metadata": {"annotations": {CORDONED: None}}, "spec": {"unschedulable": None}}
"""Merge patch that takes back a cordon."""
AGAIN_SECONDS = 1.0
"""From a refused eviction to the next: a budget follows readiness, which is asked for every second."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as far as it can be harmed."""

    name: str
    ready: bool
    unschedulable: bool
    ours: bool
    """Whether it was cordoned here."""
    control_plane: bool


class Fate(Enum):
    """What became of a request to evict a pod."""

    EVICTED = "evicted"
    REFUSED = "refused by its PodDisruptionBudget"
    GONE = "gone already"


@dataclass(frozen=True, slots=True)
class Evicted:
    """A pod that was, or was to be, evicted."""

    pod: PodView
    at: float = 0.0
    """When the eviction was granted, or it was seen to leave already, in Unix seconds; 0 when neither ever was."""
    refusals: int = 0
    """How often its PodDisruptionBudget said no before."""


def observe_node(cluster: Cluster, name: str) -> NodeView:
    """Return a node; raises EnvironmentFault when there is none of that name, or the API server does not answer."""
    try:
        return node_view(cluster.core.read_node(name))
    except UNREAD as error:
        raise unread(f"Node {name}", error) from error


def node_view(node: Any) -> NodeView:
    """Return what matters of a node."""
    ready = any(each.type == "Ready" and each.status == "True" for each in node.status.conditions or ())
    annotations, labels = node.metadata.annotations or {}, node.metadata.labels or {}
    ours = CORDONED in annotations
    return NodeView(node.metadata.name, ready, bool(node.spec.unschedulable), ours, ROLE in labels)


def cordon(cluster: Cluster, name: str) -> None:
    """Let no new pod come to a node, and note on it who said so."""
    _patch(
        cluster, name, {"metadata": {"annotations": {CORDONED: "true"}}, "spec": {"unschedulable": True}}, "cordoned"
    )


def uncordon(cluster: Cluster, name: str) -> None:
    """Take back our cordon; nothing when the node has none, or somebody else's."""
    if observe_node(cluster, name).ours:
        _patch(cluster, name, UNCORDON, "uncordoned")


def _patch(cluster: Cluster, name: str, body: dict[str, Any], done: str) -> None:
    try:
        cluster.core.patch_node(name, body)
    except UNREAD as error:
        raise cannot_be(done, f"Node {name}", error) from error


def observe_evictable(cluster: Cluster, namespace: str, node: str) -> tuple[PodView, ...]:
    """Return the pods of a namespace that a drain of the node has to move, in order of name."""
    try:
        pods = cluster.core.list_namespaced_pod(namespace, field_selector=f"spec.nodeName={node}").items
    except UNREAD as error:
        raise unread(f"the pods of {namespace} on {node}", error) from error
    return evictable(pods)


def evictable(pods: Iterable[Any]) -> tuple[PodView, ...]:
    """Return the pods that a drain moves: not those of DaemonSets, which come back, nor mirror pods, nor ended ones."""
    moved = (pod for pod in pods if not _stays(pod) and pod.status.phase not in ("Succeeded", "Failed"))
    return tuple(sorted(map(pod_view, moved), key=lambda pod: pod.name))


def _stays(pod: Any) -> bool:
    owners = (owner.kind for owner in pod.metadata.owner_references or () if owner.controller)
    return MIRROR in (pod.metadata.annotations or {}) or "DaemonSet" in owners


def evict(cluster: Cluster, pod: PodView) -> Fate:
    """Ask for the eviction of exactly this pod; raises EnvironmentFault when it fails otherwise than by a budget."""
    exactly = V1DeleteOptions(preconditions=V1Preconditions(uid=pod.uid))
    body = V1Eviction(metadata=V1ObjectMeta(name=pod.name, namespace=pod.namespace), delete_options=exactly)
    try:
        cluster.core.create_namespaced_pod_eviction(pod.name, pod.namespace, body)
    except UNREAD as error:
        fate = fate_of(error.status) if isinstance(error, ApiException) else None
        if fate is None:
            raise cannot_be("evicted", f"Pod {pod.namespace}/{pod.name}", error) from error
        return fate
    return Fate.EVICTED


def fate_of(status: int | None) -> Fate | None:
    """Return what a refusal by the API server means: 429 is the budget's, 404 and 409 that this pod is no more."""
    return {429: Fate.REFUSED, 404: Fate.GONE, 409: Fate.GONE}.get(status or 0)


def evict_all(
    pods: Iterable[PodView],
    evict_one: Callable[[PodView], Fate],
    present: Callable[[], Collection[PodView]],
    *,
    within_seconds: float,
    clock: Clock = MONOTONIC,
) -> tuple[Evicted, ...]:
    """Evict all pods, those that a budget holds back again and again, and wait until they are gone.

    Those that are leaving already are waited for, no more: they are nobody's harm, and not among what is returned.
    ``present`` returns the pods that are still there. Raises EnvironmentFault that names those which are after the
    bound.
    """
    fates = {pod.uid: Evicted(pod, time.time() if pod.terminating else 0.0) for pod in pods}
    deadline = clock.now() + within_seconds
    while True:
        for uid, each in fates.items():
            if not each.at:
                fates[uid] = _asked(each, evict_one(each.pod))
        there = {pod.uid for pod in present()}
        left = [each for uid, each in fates.items() if not each.at or uid in there]
        if not left:
            return tuple(each for each in fates.values() if not each.pod.terminating)
        if clock.now() >= deadline:
            raise EnvironmentFault(_late(left, len(fates), within_seconds))
        clock.sleep(AGAIN_SECONDS)


def _asked(before: Evicted, fate: Fate) -> Evicted:
    if fate is Fate.REFUSED:
        return replace(before, refusals=before.refusals + 1)
    return replace(before, at=time.time())


def _late(left: list[Evicted], total: int, within_seconds: float) -> str:
    why = (
        f"{each.pod.name} ({'still ending' if each.at else f'its PodDisruptionBudget said no {each.refusals} times'})"
        for each in left
    )
    return f"{len(left)} of {total} pods are not evicted within {within_seconds:g} s: {', '.join(why)}"
