"""Actions on the cluster's name servers."""

from __future__ import annotations

from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.actions.rollouts import restart_deployment
from seatrial.chaos.faults import delete_by_force
from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.observe.kube import ready_pods
from seatrial.observe.name_servers import NAMESPACE, observe_name_servers, servers_deployment

Target = dict[str, Any]


def delete_name_servers(everyone: bool = False) -> list[Target]:
    """Delete one name server by force, the first by its pod's name, or all of them."""
    cluster, system = cluster_here(), system_here()
    servers = ready_pods(observe_name_servers(cluster))
    if not servers:
        raise ActivityFailed(f"{NAMESPACE} has no ready name server")
    if len(servers) < 2 and not everyone:
        raise ActivityFailed(f"{servers[0].name} is the only name server: none would be left")
    targets = []
    for server in servers if everyone else servers[:1]:
        permit(cluster, system, Harm(pods=(server,)))
        at = delete_by_force(cluster, server)
        targets.append({"pod": server.name, "uid": server.uid, "node": server.node, "at": at})
    return targets


def restart_name_servers() -> list[Target]:
    """Replace all name servers in turn: the new ones have learnt and cached nothing."""
    cluster, system = cluster_here(), system_here()
    permit(cluster, system, Harm(namespaces=(NAMESPACE,)))  # its strategy says how many may be away
    return [restart_deployment(cluster, NAMESPACE, servers_deployment(cluster))]
