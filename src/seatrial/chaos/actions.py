"""Actions of the experiments: what chaosk8s does not do, or not in a way that can be proven."""

from __future__ import annotations

import re
import time
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.heal import heal
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.cluster.nodes import signal_container
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods, ready_pods
from seatrial.observe.records import PodView

Target = dict[str, Any]


def crash_replicas(name_pattern: str) -> list[Target]:
    """Kill the processes of every ready replica whose pod name matches, from its node, all at the same time.

    That is a crash: nothing is told beforehand. Deleting a pod, even by force, withdraws its endpoint first.
    """
    return _signal(name_pattern, "SIGKILL")


def stop_replicas(name_pattern: str) -> list[Target]:
    """Stop the processes of every ready replica whose pod name matches, from its node: a hang."""
    return _signal(name_pattern, "SIGSTOP")


def heal_system() -> bool:
    """Put back whatever faults left behind, as far as the credentials go; the last rollback of every experiment."""
    failed = heal(cluster_here(), system_here()).failed
    if failed:
        raise ActivityFailed("; ".join(map(str, failed)))
    return True


def _signal(name_pattern: str, signal_name: str) -> list[Target]:
    cluster, system = cluster_here(), system_here()
    require_owned(cluster)
    replicas = [pod for each in system.services for pod in observe_pods(cluster, system.namespace, each.workload)]
    targets = [pod for pod in ready_pods(replicas) if re.search(name_pattern, pod.name)]

    def send(pod: PodView) -> Target:
        at = time.time()
        signal_container(pod.node, pod.container_id, signal_name)
        return {"pod": pod.name, "uid": pod.uid, "container": pod.container_id, "node": pod.node, "at": at}

    return at_once(send, targets)


def guard_cluster() -> bool:
    """Refuse to go on unless the cluster may be harmed; the first step of experiments that act by other means."""
    cluster: Cluster = cluster_here()
    require_owned(cluster)
    return True
