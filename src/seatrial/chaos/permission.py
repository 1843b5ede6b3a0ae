"""The permission that an experiment asks for before an action of another package, which asks nobody."""

from __future__ import annotations

from seatrial.chaos.limits import Harm, permit
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.chaos.targets import by_name
from seatrial.observe.kube import observe_pods


def permit_targets(name_pattern: str) -> list[dict[str, str]]:
    """Permit harm to the ready replicas of that name, all at once, and return them.

    Raises UsageError when it names none, and GuardRefusal as :func:`seatrial.chaos.limits.permit` does.
    """
    cluster, system = cluster_here(), system_here()
    replicas = {each.name: observe_pods(cluster, system.namespace, each.workload) for each in system.services}
    pods = by_name(name_pattern, replicas).pods
    permit(cluster, system, Harm(pods=pods))
    return [{"pod": pod.name, "uid": pod.uid} for pod in pods]
