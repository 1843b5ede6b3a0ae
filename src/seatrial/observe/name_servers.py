"""The cluster's name servers, and how they answer while something happens to them."""

from __future__ import annotations

from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import UNREAD, pod_view, unread
from seatrial.observe.records import PodView

NAMESPACE = "kube-system"
SELECTOR = "k8s-app=kube-dns"
"""CoreDNS keeps the label of its predecessor (kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers)."""


def observe_name_servers(cluster: Cluster) -> tuple[PodView, ...]:
    """Return the replicas of the cluster's name server, by name; raises EnvironmentFault when nobody tells."""
    try:
        pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR).items
    except UNREAD as error:
        raise unread(f"the name servers in {NAMESPACE}", error) from error
    return tuple(sorted(map(pod_view, pods), key=lambda pod: pod.name))


def servers_deployment(cluster: Cluster) -> str:
    """Return the name of the Deployment of the name servers; raises EnvironmentFault when there is not just one."""
    try:
        found: Any = cluster.apps.list_namespaced_deployment(NAMESPACE, label_selector=SELECTOR).items
    except UNREAD as error:
        raise unread(f"the name servers in {NAMESPACE}", error) from error
    if len(found) != 1:
        raise EnvironmentFault(f"{len(found)} Deployments in {NAMESPACE} have the label {SELECTOR}; one is wanted")
    return str(found[0].metadata.name)
