"""Actions on the packets between two services that are declared to call each other, from the callers' nodes."""

from __future__ import annotations

import time
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.node_rules import lay, node_names, uncover
from seatrial.chaos.packet_rules import Rule, detours, losses
from seatrial.chaos.relays import close_relays, open_relay
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.observe.edge_calls import edge_of
from seatrial.observe.kube import UNREAD, observe_service, unread
from seatrial.observe.publication import observe_replicas
from seatrial.observe.records import PodView
from seatrial.observe.vantage import vantages
from seatrial.system import Edge, System

Target = dict[str, Any]


def lose_packets(caller: str, service: str, probability: float) -> list[Target]:
    """Drop packets between the replicas of a caller and of the service that it calls, each way, by chance."""
    if not 0 < probability <= 1:
        raise ActivityFailed(f"probability: {probability!r} is not above 0 and at most 1")
    cluster, system = cluster_here(), system_here()
    edge = required_edge(system, caller, service)
    callers, callees = replicas_of(cluster, system, edge.caller), replicas_of(cluster, system, edge.callee)
    return _lay(cluster, system, edge, losses(callers, callees, probability))


def delay_edge(caller: str, service: str, seconds: float) -> list[Target]:
    """Have what a caller says to the service that it calls arrive so many seconds later: new connections only.

    A rule on the caller's node leads them to a relay in the agent there. It works where the caller's own process
    connects to the Service, not where a mesh's proxy does that for it, nor where the Service has no address.
    """
    cluster, system = cluster_here(), system_here()
    edge = required_edge(system, caller, service)
    _refuse_mesh(cluster, system)
    callee = system.service(edge.callee)
    view = observe_service(cluster, system.namespace, callee.service)
    if view is None or view.headless:
        raise ActivityFailed(f"Service {system.namespace}/{callee.service} has no address that calls could be led from")
    callers = replicas_of(cluster, system, edge.caller)
    agents = {each.node: each for each in vantages(cluster, system.namespace)}
    to = f"{view.cluster_ip}:{callee.port}"
    relays = {node: open_relay(agents[node], to, seconds) for node in _nodes(callers)}
    return _lay(cluster, system, edge, detours(callers, view.cluster_ip, callee.port, relays))


def uncover_nodes() -> list[Target]:
    """Take away every packet rule of ours from all nodes, then close the relays; for rollbacks."""
    cluster, system = cluster_here(), system_here()
    found = {node: uncover(node) for node in node_names(cluster)}
    for vantage in vantages(cluster, system.namespace):
        close_relays(vantage)
    return [{"node": node, "rules": rules, "at": time.time()} for node, rules in found.items() if rules]


def required_edge(system: System, caller: str, service: str) -> Edge:
    """Return the declared call that is meant, the first that fits; raises ActivityFailed when none does."""
    edge = edge_of(system, caller, service)
    if edge is None:
        declared = ", ".join(f"{one} → {other}" for one, other in system.calls) or "none"
        raise ActivityFailed(
            f"no declared call is {caller or 'anybody'} → {service or 'anybody'} (SEATRIAL_CALLER, SEATRIAL_SERVICE); "
            f"declared are: {declared}"
        )
    return edge


def replicas_of(cluster: Cluster, system: System, name: str) -> tuple[PodView, ...]:
    """Return the ready replicas of a service; raises ActivityFailed when there are none."""
    found = observe_replicas(cluster, system, system.service(name))
    if not found:
        raise ActivityFailed(f"{name} has no ready replica")
    return found


def _lay(cluster: Cluster, system: System, edge: Edge, rules: tuple[Rule, ...]) -> list[Target]:
    """Lay rules node by node, each time asking whether that may be."""
    targets = []
    for node in sorted({rule.node for rule in rules}):
        permit(cluster, system, Harm(nodes=(node,)))
        at = time.time()
        here = [rule for rule in rules if rule.node == node]
        lay(here)
        targets.append({"node": node, "edge": f"{edge.caller} → {edge.callee}", "rules": len(here), "at": at})
    return targets


def _nodes(pods: tuple[PodView, ...]) -> tuple[str, ...]:
    return tuple(sorted({pod.node for pod in pods}))


def _refuse_mesh(cluster: Cluster, system: System) -> None:
    try:
        found: Any = cluster.core.read_namespace(system.namespace)
    except UNREAD as error:
        raise unread(f"Namespace {system.namespace}", error) from error
    if (found.metadata.labels or {}).get("istio-injection") == "enabled":
        raise ActivityFailed(f"in {system.namespace} a mesh's proxies make the calls; run edge-latency-mesh instead")
