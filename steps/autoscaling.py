"""Steps about services that scale by themselves."""

from __future__ import annotations

import math
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from fixtures.scaling import Releaser
from seatrial.chaos.scaling import (
    MEASURED_SECONDS,
    Costs,
    Load,
    Subject,
    autoscaler_of,
    await_idle,
    grow,
    meant_cores,
    measure_costs,
)
from seatrial.checks import autoscalers, autoscaling
from seatrial.cluster.client import Cluster
from seatrial.errors import Doubt, Inconclusive, doubt_on, fail_on
from seatrial.observe.autoscalers import DECISION_SECONDS, Autoscaler, await_computing
from seatrial.observe.cpu_time import measure_cores
from seatrial.observe.publication import observe_replicas
from seatrial.observe.scale_watch import Scale
from seatrial.observe.scaling import Scaling
from seatrial.observe.usage import Containers, Usage, await_usage, observe_asked
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_capacity import Autoscaling

OVERLOAD = 1.6
"""Times the load that the most replicas are meant for, in the end: an autoscaler wants more from 1.1 on (its
tolerance), and a request may cost a third less than it did when it was measured (decision 0021)."""
TRIED_SECONDS = 2 * DECISION_SECONDS + 5
"""Two decisions of an autoscaler, and some: so long it is seen not to go beyond its limit."""
FED = 2
"""Replicas beyond the least, to which it grows for its memory."""
HUNGRY = 1.3
"""Times the target for memory, that replicas are made to use: the target is lowered, for the memory is what it is."""
PATIENCE = 2
"""Times the time to settle, that a service is given beyond its time to grow: it may go too far at first."""


class Known(NamedTuple):
    """What every autoscaler does, and what it can know."""

    autoscalers: tuple[Autoscaler, ...]
    asked: dict[str, dict[str, Containers]]
    """Service to pod to what its containers ask for."""
    usage: Usage


def autoscaling_of(system: System) -> Autoscaling:
    """Return what is declared of autoscalers; skip where nothing is."""
    if system.autoscaling is None:
        pytest.skip(f"{system.name} declares no autoscalers")
    return system.autoscaling


@when("the autoscaler of every service is asked what it does and knows", target_fixture="known")
def ask_autoscalers(cluster: Cluster, system: System, evidence: Evidence) -> Known:
    autoscaling_of(system)
    asked = {each.name: dict(observe_asked(cluster, system.namespace, each.workload)) for each in system.services}
    pods, within = list(chain.from_iterable(asked.values())), system.tolerances.metrics_seconds
    usage = await_usage(cluster, system.namespace, pods, within_seconds=within)
    known = Known(await_computing(cluster, system.namespace, within_seconds=within), asked, usage)
    evidence.json("autoscalers", known._asdict())
    return known


@then("each scales its own service between the declared numbers of replicas")
def services_are_scaled(known: Known, system: System) -> None:
    declared = autoscaling_of(system)
    addresses = {each.name: f"{system.namespace}/{each.workload}" for each in system.services}
    fail_on(
        chain.from_iterable(
            autoscalers.not_scaled(name, address, known.autoscalers, declared) for name, address in addresses.items()
        )
    )


@then("each knows what its replicas use and asked for")
def autoscalers_know(known: Known, system: System) -> None:
    within = system.tolerances.metrics_seconds
    owned = [
        (service.name, each)
        for service in system.services
        for each in autoscalers.of_workload(known.autoscalers, service.workload)
    ]
    blind = (autoscalers.blind(name, each, known.asked[name], known.usage, within) for name, each in owned)
    fail_on(chain(autoscalers.unmeasured(known.usage), *blind))


@when(
    "one service has its least replicas, and more load than its most replicas are meant for, until it has grown",
    target_fixture="scaling",
)
def overload(
    subject: Subject, known_costs: dict[str, Costs], releaser: Releaser, system: System, evidence: Evidence
) -> Scaling:
    declared, given = autoscaling_of(system), system.tolerances
    most, costs = declared.max_replicas, costs_of(subject, known_costs)
    first, all_together = (ordered(costs.rate(times * most, most), subject) for times in (1, OVERLOAD))
    found = grow(
        subject,
        releaser,
        [Load("load", first), Load("more load", all_together - first, replicas=declared.half_way)],
        until=lambda scale, began: has_tried(scale, most) and scale.limited(began),
        within_seconds=given.scale_out_seconds + TRIED_SECONDS,
        shrink_seconds=given.scale_in_seconds,
    )
    return keep(found, costs, evidence)


@when(
    "one service has its least replicas, and as much load as replicas half-way to the most are meant for",
    target_fixture="scaling",
)
def load_in_proportion(
    subject: Subject, known_costs: dict[str, Costs], releaser: Releaser, system: System, evidence: Evidence
) -> Scaling:
    half_way, given = autoscaling_of(system).half_way, system.tolerances
    autoscaler, costs = autoscaler_of(subject), costs_of(subject, known_costs)
    settle = given.scale_settle_seconds
    found = grow(
        subject,
        releaser,
        [Load("load", ordered(costs.rate(half_way, half_way), subject))],
        until=lambda scale, began: scale.rested(settle / 2, since=began),
        within_seconds=given.scale_out_seconds + PATIENCE * settle,
        worth=lambda: worth(subject, autoscaler),
        settle_seconds=settle,
    )
    return keep(found, costs, evidence)


@when(
    "one service has its least replicas, which use more memory than they are meant to",
    target_fixture="scaling",
)
def starve_of_memory(subject: Subject, releaser: Releaser, system: System, evidence: Evidence) -> Scaling:
    most, given = autoscaling_of(system).min_replicas + FED, system.tolerances

    def release() -> None:
        await_idle(subject, autoscaler_of(subject))
        releaser(max_replicas=most, percent=("memory", hungry_percent(subject)))

    found = grow(
        subject,
        release,
        [],
        until=lambda scale, _: has_tried(scale, most),
        within_seconds=given.scale_out_seconds,
    )
    return keep(found, None, evidence)


def has_tried(scale: Scale, most: int) -> bool:
    """Tell whether it has had its most replicas for so long that it would have gone beyond them if it could."""
    return scale.ready >= most and scale.rested(TRIED_SECONDS)


def costs_of(subject: Subject, known: dict[str, Costs]) -> Costs:
    """Return what a request to a service costs, measured once in a run."""
    name = subject.service.name
    if name not in known:
        known[name] = measure_costs(subject, autoscaler_of(subject))
    return known[name]


def ordered(rate: float, subject: Subject) -> float:
    """Return the rate of a load; raises Inconclusive where the agents cannot send as much."""
    most = subject.system.tolerances.instrument_rate_per_second * len(subject.vantages)
    if not 0 < rate <= most:
        what = f"a load of 1 to {most} requests a second, which the agents can send; {rate:.0f} would be needed"
        raise Inconclusive(Doubt(subject.service.name, what, "load a service whose requests cost more, or less"))
    return rate


def worth(subject: Subject, autoscaler: Autoscaler) -> float:
    """Return for how many replicas the present load is, by what they really use."""
    pods = observe_replicas(subject.cluster, subject.system, subject.service)
    return measure_cores(subject.cluster, pods, for_seconds=MEASURED_SECONDS) / meant_cores(subject, autoscaler)


def hungry_percent(subject: Subject) -> int:
    """Return a target for memory that the replicas exceed by a third; raises Inconclusive where nothing is known."""
    cluster, namespace = subject.cluster, subject.system.namespace
    asked = observe_asked(cluster, namespace, subject.service.workload)
    usage = await_usage(cluster, namespace, asked, within_seconds=subject.system.tolerances.metrics_seconds)
    wanted = sum(amounts.get("memory", 0.0) for pod in asked.values() for amounts in pod.values())
    if usage.error or not wanted or not asked.keys() <= usage.pods.keys():
        raise Inconclusive(
            Doubt(subject.service.name, "metrics and requests of memory", "see the first scenario of HPA")
        )
    used = sum(usage.of(pod, "memory") for pod in asked)
    return max(math.floor(100 * used / wanted / HUNGRY), 1)


def keep(scaling: Scaling, costs: Costs | None, evidence: Evidence) -> Scaling:
    """Keep the steps, all that was watched, and every single request."""
    evidence.csv("steps", scaling.steps, ("at", "before", "after", "why"))
    watched = {"costs": costs, "autoscaler": scaling.autoscaler, "worth": scaling.worth, "watched": scaling.scale}
    evidence.json("scaling", watched | {"loads": scaling.loads})
    for kind, traffic in scaling.traffic.items():
        evidence.packed_csv(f"requests {kind}", traffic.requests)
    doubt_on(autoscaling.unloaded(scaling))
    return scaling


@then("it has its most replicas within the bound, and never more")
def grown(scaling: Scaling, system: System) -> None:
    most, within = autoscaling_of(system).max_replicas, system.tolerances.scale_out_seconds
    fail_on([*autoscaling.not_grown(scaling, most, within), *autoscaling.above(scaling, most)])
    doubt_on(autoscaling.unlimited(scaling))


@then("it has its least replicas again, not before its window is over")
def shrunk(scaling: Scaling, system: System) -> None:
    within = system.tolerances.scale_in_seconds
    fail_on([*autoscaling.shrunk_too_soon(scaling), *autoscaling.not_shrunk(scaling, within)])


@then("it settles at as many replicas as its load asks for")
def settled(scaling: Scaling, system: System) -> None:
    doubt_on(autoscaling.unbounded(scaling))
    fail_on(autoscaling.disproportionate(scaling, system.tolerances.scale_settle_seconds))


@then("it grows for its memory to its most replicas, and never has more")
def grown_for_memory(scaling: Scaling, system: System) -> None:
    most, within = scaling.autoscaler.max_replicas, system.tolerances.scale_out_seconds
    fail_on([*autoscaling.not_for_memory(scaling, within), *autoscaling.above(scaling, most)])


@then("no request fails meanwhile")
def nothing_is_lost(scaling: Scaling, evidence: Evidence) -> None:
    fail_on(autoscaling.lost(scaling, evidence.names[-1]))
