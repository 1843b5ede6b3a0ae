"""Replicas that are deleted with their grace period, by chaosk8s. Apart, for its import takes a second of a core."""

from __future__ import annotations

import os
import re
import time

from chaosk8s.pod.actions import terminate_pods
from chaoslib.exceptions import ActivityFailed

from seatrial.chaos import limits
from seatrial.chaos.actions.finding import Target, hit, targets_of
from seatrial.chaos.surroundings import CONTEXT, KUBECONFIG, cluster_here, system_here


def terminate_replicas(targets: str) -> list[Target]:
    """Have chaosk8s delete the matching replicas, with their own grace period, all at the same time.

    Leave is asked here and not by an action before it: Chaos Toolkit goes on with a method whose action failed.
    """
    cluster, system = cluster_here(), system_here()
    found = targets_of(cluster, system, targets)
    _refuse_another_cluster()
    limits.permit(cluster, system, limits.Harm(pods=found))
    exactly, at = f"^({'|'.join(re.escape(pod.name) for pod in found)})$", time.time()
    terminate_pods(name_pattern=exactly, all=True, ns=system.namespace)
    return [hit(pod, at) for pod in found]


def _refuse_another_cluster() -> None:
    """Raise ActivityFailed unless chaosk8s, which has variables of its own, acts on the cluster that was asked."""
    for ours, its in ((KUBECONFIG, "KUBECONFIG"), (CONTEXT, "KUBERNETES_CONTEXT")):
        if os.environ.get(ours) != os.environ.get(its):
            raise ActivityFailed(f"chaosk8s would act on another cluster: set {its} to the value of {ours}")
