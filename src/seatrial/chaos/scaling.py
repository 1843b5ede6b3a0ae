"""Load that makes a service scale by itself: how much that is follows from what a request costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from seatrial.chaos.changes import observe
from seatrial.checks.autoscalers import of_workload
from seatrial.cluster.client import Cluster
from seatrial.cluster.scale import scale
from seatrial.errors import Doubt, EnvironmentFault, Inconclusive
from seatrial.observe.autoscalers import Autoscaler, observe_autoscalers
from seatrial.observe.cpu_time import measure_cores
from seatrial.observe.direct_flow import direct_flow
from seatrial.observe.publication import observe_replicas
from seatrial.observe.rounds import FRESH, KEPT
from seatrial.observe.scale_watch import Scale, ScaleWatch
from seatrial.observe.scaling import Scaling
from seatrial.observe.usage import Usage, observe_asked, observe_usage
from seatrial.observe.vantage import Vantage
from seatrial.system import Service, System
from seatrial.waiting import look_until

MEASURED_SECONDS = 10.0
"""For which CPU is measured, at least: kubelets read their counters about every 10 s, each with its own time."""
PROBED_RATE = 240.0
"""Requests a second by which the cost of one is measured."""
LIGHT_RATE = 10.0
"""Requests a second of each kind of connection that are sent all the time, beside the load."""
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Subject:
    """The service that is to scale, and all that it takes to have it do so."""

    cluster: Cluster
    system: System
    vantages: Sequence[Vantage]
    service: Service


@dataclass(frozen=True, slots=True)
class Load:
    """Requests over fresh connections, from when so many replicas are ready until the service is to be eased."""

    name: str
    rate_per_second: float
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class Costs:
    """What a replica uses of a core when nobody asks it, what it is meant to use, and what a request adds (seconds)."""

    idle: float
    meant: float
    request: float

    def rate(self, worth: float, replicas: int) -> float:
        """Return the load (requests a second) with which so many replicas use as much as ``worth`` are meant to.

        What is sent all the time comes on top of it.
        """
        return (worth * self.meant - replicas * self.idle) / self.request - 2 * LIGHT_RATE


def measure_costs(subject: Subject, autoscaler: Autoscaler) -> Costs:
    """Measure what a request costs with the replicas that are there; the autoscaler must be held meanwhile.

    Raises Inconclusive when requests seem to cost nothing.
    """
    cluster, system, service = subject.cluster, subject.system, subject.service
    pods = observe_replicas(cluster, system, service)
    with direct_flow(system, [service], subject.vantages, rate_per_second=PROBED_RATE, fresh=True):
        busy = measure_cores(cluster, pods, for_seconds=MEASURED_SECONDS)
    # second: meanwhile metrics begin to forget the load, which whoever releases the autoscaler has to wait for
    idle = measure_cores(cluster, pods, for_seconds=MEASURED_SECONDS)
    if busy <= idle:
        what = f"requests that cost something: {PROBED_RATE:g} a second used no CPU that could be measured"
        raise Inconclusive(Doubt(service.name, what, "give the machine to the trial alone"))
    return Costs(idle / len(pods), meant_cores(subject, autoscaler), (busy - idle) / PROBED_RATE)


def meant_cores(subject: Subject, autoscaler: Autoscaler) -> float:
    """Return how many cores a replica is meant to use: the autoscaler's target, in percent of what it asks for."""
    asked = observe_asked(subject.cluster, subject.system.namespace, subject.service.workload)
    each = max(sum(amounts.get("cpu", 0.0) for amounts in pod.values()) for pod in asked.values())
    return each * autoscaler.utilization["cpu"] / 100


def await_idle(subject: Subject, autoscaler: Autoscaler) -> None:
    """Wait until the metrics say that replicas use no more CPU than they are meant to, or the bound is over.

    Metrics are up to half a minute old: who releases an autoscaler earlier has it act on what came before. This is no
    judgement.
    """
    namespace, meant = subject.system.namespace, meant_cores(subject, autoscaler)
    names = {pod.name for pod in observe_replicas(subject.cluster, subject.system, subject.service)}

    def is_idle(usage: Usage) -> bool:
        return names <= usage.pods.keys() and sum(usage.of(name, "cpu") for name in names) <= meant * len(names)

    look_until(
        lambda: observe_usage(subject.cluster, namespace),
        until=is_idle,
        within_seconds=subject.system.tolerances.metrics_seconds,
        every_seconds=POLL_SECONDS,
    )


def autoscaler_of(subject: Subject) -> Autoscaler:
    """Return the autoscaler of the service; raises Inconclusive where there is none by CPU."""
    found = of_workload(observe_autoscalers(subject.cluster, subject.system.namespace), subject.service.workload)
    if len(found) != 1 or "cpu" not in found[0].utilization:
        what = "one autoscaler that scales it by CPU"
        raise Inconclusive(Doubt(subject.service.name, what, "see what the other scenarios of HPA say"))
    return found[0]


def grow(
    subject: Subject,
    release: Callable[[], None],
    loads: Sequence[Load],
    *,
    until: Callable[[Scale, float], bool],
    within_seconds: float,
    shrink_seconds: float = 0.0,
    worth: Callable[[], float] = lambda: 0.0,
    settle_seconds: float = 0.0,
) -> Scaling:
    """Load a service that has its least replicas until it is over, then see it shrink for so long, at most.

    The autoscaler is held until ``release`` is called, with which the first load begins; further ones follow in their
    order, each as soon as it has the replicas that it is for. ``until`` gets what the watch saw, and when the first
    began. ``worth`` is measured then, and the load goes on until nothing has changed for ``settle_seconds``; when
    something did, all that is done again: what was measured is true of one number of replicas.
    """
    system, service = subject.system, subject.service
    autoscaler = autoscaler_of(subject)
    least = autoscaler.min_replicas
    scale(subject.cluster, system, {service.name: least})
    with ExitStack() as stack:
        watch = ScaleWatch(
            subject.cluster.another(), system.namespace, workload=service.workload, autoscaler=autoscaler.name
        )
        stack.enter_context(watch)
        flows = {
            kind: stack.enter_context(
                direct_flow(system, [service], subject.vantages, rate_per_second=LIGHT_RATE, fresh=kind == FRESH)
            )
            for kind in (FRESH, KEPT)
        }
        release()
        began, deadline = time.time(), time.monotonic() + within_seconds
        with ExitStack() as loaded:
            sent: dict[str, float] = {}
            for load in loads:
                if not _await(lambda load=load: watch.scale().ready >= load.replicas, deadline):  # type: ignore[misc]
                    break
                rate = sent[load.name] = load.rate_per_second
                flow = direct_flow(system, [service], subject.vantages, rate_per_second=rate, fresh=True)
                flows[load.name] = loaded.enter_context(flow)
            measured = _weigh(
                watch,
                worth,
                when=lambda scale: until(scale, began),
                until=lambda scale: scale.rested(settle_seconds, since=began),
                deadline=deadline,
            )
            eased = time.time()
        if shrink_seconds:
            _await(lambda: _is_back(watch.scale(), least), time.monotonic() + shrink_seconds)
            observe(system.tolerances.settle_seconds)
        traffic = {kind: flow.stop()[service.name] for kind, flow in flows.items()}
        said = autoscaler_of(subject)
        return Scaling(service.name, said, watch.scale(), began, eased, time.time(), sent, traffic, measured)


def _weigh(
    watch: ScaleWatch,
    worth: Callable[[], float],
    *,
    when: Callable[[Scale], bool],
    until: Callable[[Scale], bool],
    deadline: float,
) -> float:
    """Measure what a load is worth when it is time, then go on for a while; again as soon as replicas change.

    Returns 0 when it was never measured in time. A replica that goes meanwhile tells nothing any more, which is no
    fault then.
    """
    measured = 0.0
    changed_at: float | None = None

    def changed() -> bool:
        return watch.scale().changed_at != changed_at

    while changed() and time.monotonic() < deadline:
        _await(lambda: when(watch.scale()), deadline)
        changed_at = watch.scale().changed_at
        try:
            measured = worth()
        except EnvironmentFault:
            if not changed():
                raise
            measured = 0.0
        _await(lambda: changed() or until(watch.scale()), deadline)
    return measured


def _is_back(scale: Scale, least: int) -> bool:
    return scale.wanted == least == scale.ready


def _await(is_over: Callable[[], bool], deadline: float) -> bool:
    """Wait until it is over, or the bound is (by the monotonic clock); tell whether it was over in time."""
    while not (over := is_over()) and time.monotonic() < deadline:
        observe(POLL_SECONDS)
    return over
