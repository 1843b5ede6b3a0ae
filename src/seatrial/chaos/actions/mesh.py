"""Actions by the mesh itself: its sidecars delay what one service says to another."""

from __future__ import annotations

import time
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.actions.network import required_edge
from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.mesh_delays import delayed, routes_to, undelayed
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.undo import ApiUndo, record
from seatrial.cluster.client import Cluster
from seatrial.cluster.patch import MERGE, Object, deployment_path, patch_object, patch_path, read_object
from seatrial.system import System

Target = dict[str, Any]


def delay_edge_in_mesh(caller: str, service: str, seconds: float) -> list[Target]:
    """Have the sidecars of a caller wait so many seconds before each request to the service that it calls."""
    cluster, system = cluster_here(), system_here()
    edge = required_edge(system, caller, service)
    callee = system.service(edge.callee)
    found = routes_to(_virtual_services(cluster, system), callee.service, system.host(callee))
    if found is None:
        raise ActivityFailed(f"no VirtualService of {system.namespace} says how sidecars reach {callee.service}")
    workload = read_object(cluster, deployment_path(system.namespace, system.service(edge.caller).workload))
    labels, path = workload["spec"]["selector"]["matchLabels"], _path(system, found["metadata"]["name"])
    rules = undelayed(found["spec"]["http"])
    permit(cluster, system, Harm(namespaces=(system.namespace,)))
    note = f"the sidecars' way to {edge.callee} had a delay"
    record(ApiUndo("PATCH", patch_path(path), {"spec": {"http": rules}}, MERGE, note))
    at = time.time()
    patch_object(cluster, path, {"spec": {"http": delayed(rules, labels, seconds)}})
    return [{"edge": f"{edge.caller} → {edge.callee}", "uid": found["metadata"]["uid"], "at": at}]


def end_mesh_delays() -> list[Target]:
    """Take every delay of ours out of the mesh's routes; for rollbacks, may be repeated at will."""
    cluster, system = cluster_here(), system_here()
    done = []
    for each in _virtual_services(cluster, system):
        rules: list[Object] = each["spec"].get("http", [])
        name = each["metadata"]["name"]
        if undelayed(rules) != rules:
            patch_object(cluster, _path(system, name), {"spec": {"http": undelayed(rules)}})
            done.append({"routes": name, "uid": each["metadata"]["uid"], "at": time.time()})
    return done


def _virtual_services(cluster: Cluster, system: System) -> list[Object]:
    found: list[Object] = read_object(cluster, _path(system))["items"]
    return found


def _path(system: System, name: str = "") -> str:
    folder = f"/apis/networking.istio.io/v1/namespaces/{system.namespace}/virtualservices"
    return f"{folder}/{name}" if name else folder
