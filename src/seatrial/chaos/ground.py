"""What is at stake: the ready replicas of each workload, where they run, and which nodes are the control plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import UNREAD, pod_view, ready_pods, unread
from seatrial.observe.records import PodView

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


@dataclass(frozen=True)
class Ground:
    """The state of all workloads of the namespaces that an experiment is about to harm, by the UIDs of pods."""

    ready: Mapping[str, frozenset[str]]
    """Ready replicas of each workload, by its name with kind and namespace."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Workload of each pod."""
    on_node: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Pods on each node."""
    control_plane: frozenset[str] = frozenset()
    """Nodes among those to be harmed that run the control plane."""

    def workload_of(self, pod: PodView) -> str:
        """Return the name of a pod's workload; a pod of none, or one that is gone, is a workload of its own."""
        return self.owners.get(pod.uid, f"Pod {pod.namespace}/{pod.name}")

    def counts(self) -> dict[str, int]:
        """Return the number of ready replicas of each workload."""
        return {name: len(uids) for name, uids in self.ready.items()}


def observe_ground(cluster: Cluster, namespaces: Iterable[str], nodes: Sequence[str]) -> Ground:
    """Return what is at stake in some namespaces, and on some nodes; raises EnvironmentFault when it cannot be read."""
    pods: list[Any] = []
    deployments: list[Any] = []
    for namespace in namespaces:
        try:
            pods += cluster.core.list_namespaced_pod(namespace).items
            deployments += cluster.apps.list_namespaced_deployment(namespace).items
        except UNREAD as error:
            raise unread(f"the workloads of namespace {namespace}", error) from error
    return ground_of(pods, deployments, frozenset(each for each in nodes if _is_control_plane(cluster, each)))


def ground_of(pods: Sequence[Any], deployments: Sequence[Any], control_plane: frozenset[str] = frozenset()) -> Ground:
    """Return what is at stake, of objects of the API; pure."""
    owners = {pod.metadata.uid: _owner(pod, deployments) for pod in pods}
    ready: dict[str, set[str]] = {owner: set() for owner in owners.values()}
    for view in ready_pods(map(pod_view, pods)):
        ready[owners[view.uid]].add(view.uid)
    on_node: dict[str, set[str]] = {}
    for pod in pods:
        on_node.setdefault(pod.spec.node_name or "", set()).add(pod.metadata.uid)
    return Ground(_frozen(ready), owners, _frozen(on_node), control_plane)


def _owner(pod: Any, deployments: Sequence[Any]) -> str:
    """Return the Deployment whose selector takes the pod (through any of its ReplicaSets), else its controller."""
    namespace, labels = pod.metadata.namespace, (pod.metadata.labels or {}).items()
    for each in deployments:
        wanted = (each.spec.selector.match_labels or {}).items()
        if each.metadata.namespace == namespace and wanted and wanted <= labels:
            return f"Deployment {namespace}/{each.metadata.name}"
    for owner in pod.metadata.owner_references or ():
        return f"{owner.kind} {namespace}/{owner.name}"
    return f"Pod {namespace}/{pod.metadata.name}"


def _is_control_plane(cluster: Cluster, node: str) -> bool:
    try:
        found: Any = cluster.core.read_node(node)
    except UNREAD as error:
        raise unread(f"node {node}", error) from error
    return CONTROL_PLANE in (found.metadata.labels or {})


def _frozen(sets: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(values) for name, values in sets.items()}
