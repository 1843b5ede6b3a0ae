"""Has every service an autoscaler that can do its work: does it scale the right thing, and does it know enough?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.errors import Failure
from seatrial.observe.autoscalers import ACTIVE, Autoscaler
from seatrial.observe.usage import Containers, Usage
from seatrial.system_capacity import Autoscaling


def of_workload(autoscalers: Sequence[Autoscaler], workload: str) -> tuple[Autoscaler, ...]:
    """Return the autoscalers that scale a Deployment."""
    return tuple(each for each in autoscalers if (each.kind, each.target) == ("Deployment", workload))


def not_scaled(
    service: str, address: str, autoscalers: Sequence[Autoscaler], declared: Autoscaling
) -> Iterator[Failure]:
    """Yield a failure when not exactly one autoscaler scales a Deployment, or not between the declared numbers.

    ``address``: namespace and name of the Deployment.
    """
    found = of_workload(autoscalers, address.rpartition("/")[2])
    subject = f"{service} (Deployment {address})"
    if len(found) != 1:
        there = tuple(f"{each.name} scales {each.kind} {each.target}" for each in autoscalers)
        yield Failure(
            f"{subject}: {'no autoscaler scales it' if not found else 'its autoscalers work against each other'}",
            "one HorizontalPodAutoscaler whose scaleTargetRef leads to it",
            ", ".join(each.name for each in found) or "none",
            there,
        )
    for each in found[:1]:
        bounds = (each.min_replicas, each.max_replicas)
        if bounds != (declared.min_replicas, declared.max_replicas):
            yield Failure(
                f"{subject}: its autoscaler {each.name} has other bounds",
                f"from {declared.min_replicas} to {declared.max_replicas} replicas",
                f"from {bounds[0]} to {bounds[1]}",
            )


def unmeasured(usage: Usage) -> Iterator[Failure]:
    """Yield a failure when the metrics API does not answer: then no autoscaler knows anything."""
    if usage.error:
        yield Failure(
            "the metrics API (APIService v1beta1.metrics.k8s.io) does not say what replicas use",
            "an answer: autoscalers ask it",
            usage.error,
            hint="the metrics server is away, or its APIService leads elsewhere",
        )


def blind(
    service: str, autoscaler: Autoscaler, asked: Mapping[str, Containers], usage: Usage, within_seconds: float
) -> Iterator[Failure]:
    """Yield what an autoscaler must know and does not: what each replica uses, and the request that this is a part of.

    Nothing is said of a usage that nobody can know: see :func:`unmeasured`.
    """
    subject = f"{service}: its autoscaler {autoscaler.name} cannot know"
    unknown = sorted(asked.keys() - usage.pods.keys())
    if unknown and not usage.error:
        yield Failure(
            f"{subject} what its replicas use",
            f"metrics of each within {within_seconds:g} s",
            f"none of {', '.join(unknown)}",
        )
    for resource, percent in sorted(autoscaler.utilization.items()):
        lacking = sorted({name for pod in asked.values() for name, amounts in pod.items() if resource not in amounts})
        if lacking:
            yield Failure(
                f"{subject} how much {resource} its replicas may use",
                f"a request for {resource} in every container: its target is {percent} % of that",
                f"none in {', '.join(lacking)}",
                hint="a limit without a request would stand in for it",
            )
    active = autoscaler.condition(ACTIVE)
    if active and not active.holds and not usage.error:
        yield Failure(
            f"{subject} how many replicas are needed", f"{ACTIVE} holds", f"{active.reason}: {active.message}"
        )
