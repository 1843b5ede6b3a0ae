"""How names and traffic follow a replica that comes or goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.observe.convergence import await_convergence
from seatrial.observe.flow import Flow, at_once
from seatrial.observe.publication import observe_replicas
from seatrial.observe.records import PodView, Traffic
from seatrial.observe.vantage import Vantage
from seatrial.system import Service

ANSWERED = ("NOERROR", "NXDOMAIN")
"""What a name server says when it knows; a name without any replica left may not exist."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One replica that joined or left a service."""

    service: str
    pod: PodView
    changed_at: float
    """When it was seen to be ready, or when it was asked to go."""
    named: Mapping[str, float | None]
    """Node to the seconds after which its DNS had followed; None when it had not within the bound."""
    traffic: Traffic

    @property
    def answers_seconds(self) -> tuple[float, ...]:
        """Seconds from the change to each request that the replica answered."""
        mine = (request for request in self.traffic.requests if request.served_by == self.pod.name)
        return tuple(request.start - self.changed_at for request in mine)


Replicas = Mapping[str, tuple[PodView, ...]]


def replicas_asked(flow: Flow) -> Replicas:
    """Return the ready replicas of every service that the flow asks."""
    return {service.name: observe_replicas(flow.cluster, flow.system, service) for service in flow.services}


def follow(
    flow: Flow, vantages: Sequence[Vantage], pods: Mapping[str, PodView], changed_at: float, *, present: bool
) -> list[Membership]:
    """Ask every node's DNS for the headless names until each shows the change, and end the flow after the bounds."""
    tolerances = flow.system.tolerances
    services = [service for service in flow.services if service.headless]
    pending = {(service.name, vantage.node): (service, vantage) for service in services for vantage in vantages}
    named: dict[tuple[str, str], float] = {}

    def all_follow() -> bool:
        asked = list(pending.items())
        for (key, _), lists in zip(asked, at_once(lambda each: _lists(flow, *each[1], pods), asked), strict=True):
            if lists is present:
                named[key] = time.time() - changed_at
                del pending[key]
        return not pending

    flow.observe_until(all_follow, within_seconds=tolerances.dns_seconds)
    if present:
        names = {name: {pod.name for pod in pods} for name, pods in replicas_asked(flow).items()}
        await_convergence(flow.system, vantages, names)
        flow.observe(tolerances.settle_seconds)
    else:  # that nothing reaches it any more is seen only by waiting past the bound
        past = changed_at + tolerances.propagation_seconds + tolerances.settle_seconds
        flow.observe(max(past - time.time(), 0.0))
    traffic = flow.stop()
    return [
        Membership(
            service.name,
            pods[service.name],
            changed_at,
            {vantage.node: named.get((service.name, vantage.node)) for vantage in vantages if service.headless},
            traffic[service.name],
        )
        for service in flow.services
    ]


def _lists(flow: Flow, service: Service, vantage: Vantage, pods: Mapping[str, PodView]) -> bool | None:
    """Tell whether a node's DNS names the replica; None when it gives no answer, which is no sign of absence."""
    answer = vantage.resolve(f"{flow.system.host(service, service.headless)}.")
    return pods[service.name].ip in answer.addresses() if answer.rcode in ANSWERED else None
