"""Actions on the versions and the number of replicas of one service, by its Deployment."""

from __future__ import annotations

import time
from typing import Any

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.marks import TEMPLATE_BEFORE
from seatrial.chaos.shrinking import regrow, shrink
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.templates import is_spoilt, restarted, spoilt, template_before, unspoilt
from seatrial.chaos.undo import ApiUndo, record
from seatrial.cluster.client import Cluster
from seatrial.cluster.patch import STRATEGIC, Object, deployment_path, patch_object, patch_path, read_object
from seatrial.observe.publication import observe_replicas
from seatrial.system import Service, System

Target = dict[str, Any]


def restart(service: str) -> list[Target]:
    """Replace all replicas of a service in turn, as a new version would; the annotation that asks for it stays."""
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)
    # no replica is taken before another one is there: the Deployment sees to that
    permit(cluster, system, Harm(namespaces=(system.namespace,)))
    return [restart_deployment(cluster, system.namespace, meant.workload)]


def restart_deployment(cluster: Cluster, namespace: str, name: str) -> Target:
    """Have a Deployment replace its replicas in turn; raises EnvironmentFault when that cannot be asked."""
    at = time.time()
    found = patch_object(cluster, deployment_path(namespace, name), restarted(at))
    return {"deployment": f"{namespace}/{name}", "uid": found["metadata"]["uid"], "at": at}


def ship_bad_version(service: str) -> list[Target]:
    """Roll out a version of a service that starts and is never ready: its readiness asks for a path that is not there.

    The template before is kept, in the Deployment's annotation and in the record of what is to be undone.
    """
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)
    path = deployment_path(system.namespace, meant.workload)
    found = read_object(cluster, path)
    change = spoilt(found)
    if change is None:
        raise ActivityFailed(f"{meant.name}: its readiness is not asked by HTTP, so no path of it can be wrong")
    if template_before(found) is not None:
        raise ActivityFailed(f"{meant.name} has a bad version already; roll it back first")
    permit(cluster, system, Harm(namespaces=(system.namespace,)))
    back = unspoilt(found["spec"]["template"])
    record(ApiUndo("PATCH", patch_path(path), back, STRATEGIC, f"{meant.name} had another version"))
    at = time.time()
    patch_object(cluster, path, change, STRATEGIC)
    return [{"deployment": meant.workload, "uid": found["metadata"]["uid"], "at": at}]


def roll_back() -> list[Target]:
    """Give every service whose version was spoilt the one before, exactly; may be repeated at will."""
    cluster, system = cluster_here(), system_here()
    return [done for each in system.services for done in _roll_back(cluster, system, each)]


def scale_to_minimum(service: str) -> list[Target]:
    """Leave a service as few replicas as its autoscaler would, or one where it has none.

    Fewer would be no test of the system: the autoscaler goes up to its minimum at once.
    """
    cluster, system = cluster_here(), system_here()
    meant = named_service(system, service)
    replicas = observe_replicas(cluster, system, meant)
    least = least_replicas(_autoscalers(cluster, system), meant.workload)
    if len(replicas) <= least:
        raise ActivityFailed(f"{meant.name} has {len(replicas)} ready replicas, and {least} is its minimum")
    permit(cluster, system, Harm(pods=replicas[least:]))
    return [shrink(cluster, system.namespace, meant.workload, least)]


def scale_back() -> list[Target]:
    """Give every service that was made smaller its replicas back; may be repeated at will."""
    cluster, system = cluster_here(), system_here()
    done = (regrow(cluster, system.namespace, each.workload) for each in system.services)
    return [each for each in done if each]


def named_service(system: System, name: str) -> Service:
    """Return a declared service, the first when none is named; raises ActivityFailed when that name is not declared."""
    found = next((each for each in system.services if name in ("", each.name)), None)
    if found is None:
        declared = ", ".join(each.name for each in system.services)
        raise ActivityFailed(f"no service is called {name!r} (SEATRIAL_SERVICE); declared are: {declared}")
    return found


def least_replicas(autoscalers: list[Object], workload: str) -> int:
    """Return the number below which a Deployment's autoscaler does not go; 1 where it has none."""
    specs = (each["spec"] for each in autoscalers)
    own = (spec for spec in specs if spec["scaleTargetRef"]["name"] == workload)
    return max((int(spec.get("minReplicas", 1)) for spec in own), default=1)


def _autoscalers(cluster: Cluster, system: System) -> list[Object]:
    path = f"/apis/autoscaling/v2/namespaces/{system.namespace}/horizontalpodautoscalers"
    found: list[Object] = read_object(cluster, path)["items"]
    return found


def _roll_back(cluster: Cluster, system: System, service: Service) -> list[Target]:
    """Roll one service back; one that has another version by now only loses the annotation."""
    path = deployment_path(system.namespace, service.workload)
    found = read_object(cluster, path)
    before = template_before(found)
    if before is None:
        return []
    forget: Object = {"metadata": {"annotations": {TEMPLATE_BEFORE: None}}}
    at = time.time()
    patch_object(cluster, path, unspoilt(before) if is_spoilt(found["spec"]["template"]) else forget, STRATEGIC)
    return [{"deployment": service.workload, "uid": found["metadata"]["uid"], "at": at}]
