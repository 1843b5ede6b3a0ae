"""One fault, for each service that it concerns to one replica that is watched, under a steady flow of requests."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seatrial.errors import Doubt, Inconclusive
from seatrial.observe.flow import Flow
from seatrial.observe.kube import observe_pods, ready_pods
from seatrial.observe.records import Changes, Outage, PodView, Traffic
from seatrial.system import Service

Victims = Mapping[str, PodView]
"""Service name to the replica that is to suffer."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was done."""

    at: float
    proof: str = ""
    """What showed at once that it happened."""


@dataclass(frozen=True)
class Fault:
    """What is done to the victims, how long it is held, how it is undone, and what proves it afterwards."""

    kind: str
    """As a sentence says it: ``hangs``."""
    inject: Callable[[Victims], Mapping[str, Injected]]
    hold_seconds: float = 0.0
    undo: Callable[[Victims], None] = lambda victims: None
    proof: Callable[[PodView, Changes], str] = lambda victim, changes: ""
    """Shows it from what was seen, when nothing did at once."""
    window_seconds: float = 0.0
    """Least time of observation after the injection."""
    is_experiment: bool = False
    """Whether an experiment does it: its guard has to stand first, which takes longer than traffic needs to settle, and
    it ends only when the fault has shown itself and is over."""


def choose_victims(flow: Flow, dice: random.Random, *, fewest_restarts: bool = True) -> Victims:
    """Return a ready replica of each service, by chance.

    Only among those with the fewest restarts, because the kubelet delays each further restart of the same container;
    or with the most, when the victim is to be replaced anyway. Raises Inconclusive where no replica is ready.
    """
    sign = 1 if fewest_restarts else -1
    victims = {}
    for service in flow.system.services:
        pods = ready_pods(observe_pods(flow.cluster, flow.system.namespace, service.workload))
        if not pods:
            raise Inconclusive(Doubt(service.name, "a ready replica that could suffer", "heal the system first"))
        best = min(sign * pod.restarts for pod in pods)
        victims[service.name] = dice.choice([pod for pod in pods if sign * pod.restarts == best])
    return victims


def undergo(flow: Flow, fault: Fault, victims: Victims) -> tuple[Outage, ...]:
    """Do the fault and return what was seen of each service that has a victim, until all of them are whole again.

    Or until the bound is over.
    """
    tolerances = flow.system.tolerances
    before = {service.name: _replicas(flow, service) for service in flow.system.services}
    if not fault.is_experiment:
        flow.observe(tolerances.settle_seconds)
    injected = fault.inject(victims)
    flow.observe(fault.hold_seconds)
    fault.undo(victims)
    within = tolerances.restart_seconds + tolerances.recovery_seconds
    flow.observe_until(lambda: _is_whole(flow, fault, victims, before), within_seconds=within)
    window_ends = max(each.at for each in injected.values()) + fault.window_seconds
    flow.observe(max(tolerances.settle_seconds, window_ends - time.time()))
    traffic, changes = flow.stop(), flow.changes()
    return tuple(
        _outage(service, fault, victims[service.name], injected[service.name], before, traffic, changes)
        for service in flow.system.services
        if service.name in victims
    )


def _outage(
    service: Service,
    fault: Fault,
    victim: PodView,
    injected: Injected,
    before: Mapping[str, tuple[PodView, ...]],
    traffic: Mapping[str, Traffic],
    changes: Changes,
) -> Outage:
    return Outage(
        service=service.name,
        endpoint_service=service.service,
        kind=fault.kind,
        victim=victim,
        fault_at=injected.at,
        proof=injected.proof or fault.proof(victim, changes),
        traffic=traffic[service.name],
        changes=changes,
        replicas=before[service.name],
    )


def _replicas(flow: Flow, service: Service) -> tuple[PodView, ...]:
    return ready_pods(observe_pods(flow.cluster, flow.system.namespace, service.workload))


def _is_whole(flow: Flow, fault: Fault, victims: Victims, before: Mapping[str, tuple[PodView, ...]]) -> bool:
    """Tell whether the fault has shown itself and every Service has as many ready endpoints as before it.

    Told from the watch: asking the API server over and over would take the cores from those who are to heal.
    """
    changes = flow.changes()

    def is_back(service: Service) -> bool:
        lasted = fault.is_experiment or fault.hold_seconds > 0
        shown = lasted or bool(fault.proof(victims[service.name], changes))
        return shown and len(changes.ready_endpoints(service.service)) == len(before[service.name])

    return all(is_back(service) for service in flow.system.services if service.name in victims)
