"""What faults left behind, found by looking: as the undos that take it away. No log is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx

from seatrial.chaos.deadman_leftovers import leftovers
from seatrial.chaos.marks import CHAOS, CORDONED, REPLICAS_BEFORE, TEMPLATE_BEFORE
from seatrial.chaos.remedies import delete, roll_back, scale_back, switch_off, uncordon
from seatrial.chaos.undo_records import ApiUndo, NodeUndo
from seatrial.cluster.client import Cluster
from seatrial.cluster.node_state import NETWORK, Container, Inside, observe_container, observe_inside
from seatrial.cluster.ours import kind_cluster_of
from seatrial.errors import EnvironmentFault
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import PodView
from seatrial.system import Faults, System

ANSWER_SECONDS = 5.0
Object = dict[str, Any]
MOST_REPLICAS = 1000


@dataclass(frozen=True, slots=True)
class Remains:
    """What was found, and what could not be looked at."""

    undos: tuple[ApiUndo, ...]
    unseen: tuple[str, ...]


def find_in_api(cluster: Cluster, system: System) -> Remains:
    """Look for all that the API server knows about.

    Who may not look at the whole cluster, such as an experiment's own account, looks at the system's namespace, and is
    told what was not looked at. Raises EnvironmentFault when the API server does not answer.
    """
    undos: list[ApiUndo] = []
    unseen = []
    with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
        for group, kind, query, of_items in LOOKS:
            found = _items(http, f"{group}/{kind}{query}")
            if found is None:
                unseen.append(f"{group}/{kind}")
            if found is None and kind not in OF_NO_NAMESPACE:
                found = _items(http, f"{group}/namespaces/{system.namespace}/{kind}{query}")
            undos += of_items(found or ())
        undos += leftovers(partial(_items, http), datetime.now(UTC))
        undos += switched_on(http, cluster, system)
    return Remains(tuple(undos), tuple(unseen))


def items_of(cluster: Cluster, path: str) -> list[Object] | None:
    """Return the objects of a collection; None where looking is not allowed."""
    with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
        return _items(http, path)


def left_by_dead_men(cluster: Cluster, *, also: str) -> tuple[ApiUndo, ...]:
    """Return what takes away the objects of dead men that nobody needs any more, and of the one named ``also``."""
    with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
        return tuple(leftovers(partial(_items, http), datetime.now(UTC), also=also))


def namespaces_named(cluster: Cluster, name: str) -> list[Object] | None:
    """Return the namespace of that name, if there is one; None where looking is not allowed."""
    return items_of(cluster, f"/api/v1/namespaces?fieldSelector=metadata.name={name}")


def _items(http: httpx.Client, path: str) -> list[Object] | None:
    try:
        answer = http.get(path)
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error!r}") from error
    if answer.status_code == httpx.codes.FORBIDDEN:
        return None
    if not answer.is_success:
        raise EnvironmentFault(f"{path} cannot be read: HTTP {answer.status_code} {answer.text[:200]}")
    return list(answer.json()["items"] or ())


def of_nodes(nodes: Iterable[Object]) -> Iterator[ApiUndo]:
    """Yield an undo for each node that a fault cordoned."""
    for node in nodes:
        if CORDONED in _annotations(node):
            yield uncordon(node["metadata"]["name"])


def of_deployments(deployments: Iterable[Object]) -> Iterator[ApiUndo]:
    """Yield an undo for each Deployment with a mark; a mark that cannot be read is no reason to do anything."""
    for item in deployments:
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        replicas, template = (_annotations(item).get(mark, "") for mark in (REPLICAS_BEFORE, TEMPLATE_BEFORE))
        if template_of(template):
            yield roll_back(namespace, name, template_of(template))
        if replicas.isdecimal() and int(replicas) <= MOST_REPLICAS:
            yield scale_back(namespace, name, int(replicas))


def template_of(text: str) -> Object:
    """Return the template that a mark holds, empty when it holds none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "spec" in found else {}


def _made(collection: str, kind: str) -> Callable[[Iterable[Object]], Iterator[ApiUndo]]:
    def of_items(items: Iterable[Object]) -> Iterator[ApiUndo]:
        for item in items:
            namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
            yield delete(f"{collection}/namespaces/{namespace}/{kind}/{name}", f"delete {kind} {namespace}/{name}")

    return of_items


LOOKS: tuple[tuple[str, str, str, Callable[[Iterable[Object]], Iterator[ApiUndo]]], ...] = (
    ("/api/v1", "nodes", "", of_nodes),
    ("/apis/apps/v1", "deployments", "", of_deployments),
    ("/apis/batch/v1", "jobs", f"?labelSelector={CHAOS}", _made("/apis/batch/v1", "jobs")),
    ("/api/v1", "pods", f"?labelSelector={CHAOS}", _made("/api/v1", "pods")),
)
"""Collections, what is asked of them, and what follows from what is found."""
OF_NO_NAMESPACE = ("nodes",)


def switched_on(http: httpx.Client, cluster: Cluster, system: System) -> tuple[ApiUndo, ...]:
    """Return an undo for each replica whose fault switches are not as the system says that they are to be.

    A replica that does not answer is left to its liveness probe, and one that was restarted has forgotten its faults. A
    replica whose switches cannot be read is switched off in any case.
    """
    if system.faults is None:
        return ()
    faults = system.faults
    pods = [pod for each in system.services for pod in observe_pods(cluster, system.namespace, each.workload)]
    here = [pod for pod in pods if pod.ip and not pod.terminating]
    are_off = at_once(lambda pod: _is_off(http, pod, faults), here)
    return tuple(switch_off(pod.namespace, pod.name, faults) for pod, off in zip(here, are_off, strict=True) if not off)


def _is_off(http: httpx.Client, pod: PodView, faults: Faults) -> bool:
    try:
        answer = http.get(switch_off(pod.namespace, pod.name, faults).path)
    except httpx.HTTPError:
        return True
    return answer.is_server_error or (answer.is_success and is_as_declared(answer, faults))


def is_as_declared(answer: httpx.Response, faults: Faults) -> bool:
    """Tell whether the switches say that everything is as the description wants it."""
    try:
        state = answer.json()
    except ValueError:
        return False
    return isinstance(state, dict) and all(key in state and state[key] == faults.ready[key] for key in faults.ready)


def find_on_nodes(cluster: Cluster) -> tuple[NodeUndo, ...]:
    """Look for all that the engine knows about the nodes of a kind cluster of ours; empty for any other cluster.

    Raises EnvironmentFault, or GuardRefusal, when a node cannot be looked into.
    """
    ours = kind_cluster_of(cluster)
    nodes = ours.nodes() if ours else ()
    outside = [undo for node in nodes for undo in outside_undos(observe_container(node))]
    return tuple(outside or [undo for found in at_once(observe_inside, nodes) for undo in inside_undos(found)])


def outside_undos(container: Container) -> tuple[NodeUndo, ...]:
    """Return what a node's container needs to run and to be reached."""
    node, found = container.node, []
    if container.status == "paused":
        found.append(NodeUndo(node, "unpause", "", f"let node {node} go on"))
    elif container.status != "running":
        found.append(NodeUndo(node, "start", "", f"start node {node}"))
    if container.address(NETWORK) is None:
        found.append(NodeUndo(node, "connect", NETWORK, f"connect node {node} to the network {NETWORK}"))
    return tuple(found)


def inside_undos(inside: Inside) -> tuple[NodeUndo, ...]:
    """Return what a node that runs needs to be as it was."""
    node, found = inside.node, []
    if inside.stress:
        found.append(NodeUndo(node, "end-stress", "", f"end {len(inside.stress)} stress processes on node {node}"))
    if inside.rules:
        found.append(NodeUndo(node, "uncover", "", f"remove {len(inside.rules)} packet filter rules on node {node}"))
    if inside.stopped:
        names = ", ".join(sorted({name for _, name in inside.stopped}))
        found.append(NodeUndo(node, "continue", "", f"continue {names} on node {node}"))
    if inside.kubelet in ("inactive", "failed"):
        found.append(NodeUndo(node, "start-kubelet", "", f"start the kubelet of node {node}"))
    return tuple(found)


def stale_undos(inside: Inside) -> tuple[NodeUndo, ...]:
    """Return what a node needs to forget. That is no fault which was left behind: a busy system leaves some, too."""
    if not inside.unanswered:
        return ()
    what = f"forget {inside.unanswered} connections that nobody answered on node {inside.node}"
    return (NodeUndo(inside.node, "forget", "", what),)


def _annotations(item: Object) -> dict[str, str]:
    return item["metadata"].get("annotations") or {}
