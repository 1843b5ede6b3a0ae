"""Whether packets between two services are lost or late: by the kernel's counters, and by the calls themselves."""

from __future__ import annotations

import statistics

from seatrial.chaos.actions.network import required_edge
from seatrial.chaos.node_rules import laid_on, node_names
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.observe.edge_calls import call_along


def packets_were_dropped(caller: str, service: str, calls: int) -> bool:
    """Have a caller make so many calls, and tell whether the kernel has dropped packets by rules of ours."""
    cluster, system = cluster_here(), system_here()
    call_along(cluster, system, required_edge(system, caller, service), calls)
    return any(rule.packets for node in node_names(cluster) for rule in laid_on(node) if rule.table == "filter")


def edge_is_slow(caller: str, service: str, calls: int, at_least_seconds: float) -> bool:
    """Have a caller make so many calls, and tell whether half of those that are answered take at least so long."""
    cluster, system = cluster_here(), system_here()
    made = call_along(cluster, system, required_edge(system, caller, service), calls)
    answered = [call.end - call.start for call in made if call.ok]
    return bool(answered) and statistics.median(answered) >= at_least_seconds
