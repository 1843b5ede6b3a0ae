"""Changes of all services under a steady flow of requests: a rolling update, a scale-out, a scale-in, a rollback.

Services change two by two (see :mod:`seatrial.groups`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import Object
from seatrial.cluster.rollout import roll_back, roll_out
from seatrial.cluster.scale import set_replicas
from seatrial.groups import groups
from seatrial.observe.direct_flow import direct_flow
from seatrial.observe.lineup import await_renewed, await_settled, observe_lineups
from seatrial.observe.rounds import BACK, FRESH, IN, KEPT, OUT, UPDATE, Phase, Round
from seatrial.observe.vantage import Vantage
from seatrial.system import Service, System

Act = Callable[[Sequence[Service]], None]
"""Begins a change of some services; does not wait."""


def change_all(
    cluster: Cluster,
    system: System,
    objects: Sequence[Object],
    vantages: Sequence[Vantage],
    number: int,
    *,
    requests: int = 0,
) -> Round:
    """Do one round of changes, and go on sending until as many requests of each kind are due as are asked for.

    The requests take the direct way, where there is one: no mesh tries them again. The agents do not, either.
    ``objects`` are what is deployed. Raises GuardRefusal elsewhere than on ours.
    """
    rate = system.tolerances.rollout_rate_per_second / 2
    new = direct_flow(system, system.services, vantages, rate_per_second=rate, fresh=True)
    old = direct_flow(system, system.services, vantages, rate_per_second=rate, fresh=False)
    with new as fresh, old as kept:
        observe(system.tolerances.settle_seconds)
        began = time.time()
        phases = tuple(_phases(cluster, system, objects, number))
        enough = began + requests / (rate * len(system.services))
        observe(max(system.tolerances.settle_seconds, enough - time.time()))
        return Round(number, phases, {FRESH: fresh.stop(), KEPT: kept.stop()})


def observe(seconds: float) -> None:
    """Let the requests go on for a while."""
    threading.Event().wait(seconds)


def _phases(cluster: Cluster, system: System, objects: Sequence[Object], number: int) -> Iterator[Phase]:
    before = observe_lineups(cluster, system)
    usual = {name: lineup.wanted for name, lineup in before.items()}
    within = system.tolerances.rollout_seconds
    version = f"{number}-{time.time():.0f}"
    acts: Mapping[str, Act] = {
        UPDATE: lambda some: roll_out(cluster, objects, system, _workloads(some), version),
        OUT: lambda some: set_replicas(cluster, system, {each.name: usual[each.name] + 1 for each in some}),
        IN: lambda some: set_replicas(cluster, system, {each.name: usual[each.name] for each in some}),
        BACK: lambda some: roll_back(cluster, system.namespace, _workloads(some)),
    }
    for name, act in acts.items():
        began = time.time()
        _two_by_two(cluster, system, within, act)
        after = await_settled(cluster, system, within_seconds=began + within - time.time())
        phase = Phase(name, began, time.time(), before, after)
        yield phase
        if not phase.finished:
            return
        before = after


def _workloads(services: Sequence[Service]) -> list[str]:
    return [each.workload for each in services]


def _two_by_two(cluster: Cluster, system: System, within_seconds: float, act: Act) -> None:
    """Change all services, the next two when the replicas of both are as wanted; no further ones when they are not."""
    deadline = time.time() + within_seconds
    for some in groups(system.services):
        act(some)
        for service in some:
            within = deadline - time.time()
            if not await_renewed(cluster, system.namespace, service.workload, within_seconds=within).renewed:
                return
