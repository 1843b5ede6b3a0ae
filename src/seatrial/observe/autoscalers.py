"""HorizontalPodAutoscalers as they are: what they scale, between which numbers, by what, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import UNREAD, unread
from seatrial.waiting import look_until

USUAL_WINDOW_SECONDS = 300
"""For which Kubernetes waits before it scales in, when an autoscaler does not say."""
DECISION_SECONDS = 15.0
"""Between two decisions of an autoscaler (Kubernetes' own ``horizontal-pod-autoscaler-sync-period``)."""
EVERY_SECONDS = 1.0
"""Between two looks at what they say."""
ACTIVE, LIMITED, ABLE = "ScalingActive", "ScalingLimited", "AbleToScale"
"""Conditions: it can compute a number of replicas, and says by what; that number is not between its bounds; it can set
the number."""
RESCALED = "SucceededRescale"
"""Reason of the last: it has just set it."""
TOO_MANY = "TooManyReplicas"
"""Reason of the second: it would have more."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What an autoscaler says of itself."""

    type: str
    holds: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """A live HorizontalPodAutoscaler."""

    name: str
    kind: str
    """Of what it scales."""
    target: str
    """Name of what it scales."""
    min_replicas: int
    max_replicas: int
    utilization: Mapping[str, int]
    """Resource to the percentage of what pods ask for that it is to be used by."""
    window_seconds: int
    """For which it looks back before it scales in."""
    conditions: tuple[Condition, ...] = ()

    @property
    def computes(self) -> bool:
        """Whether it can tell how many replicas are needed."""
        active = self.condition(ACTIVE)
        return active is not None and active.holds

    def condition(self, type: str) -> Condition | None:
        return next((each for each in self.conditions if each.type == type), None)


def observe_autoscalers(cluster: Cluster, namespace: str) -> tuple[Autoscaler, ...]:
    """Return the autoscalers of a namespace, by name."""
    try:
        items = cluster.autoscaling.list_namespaced_horizontal_pod_autoscaler(namespace).items
    except UNREAD as error:
        raise unread(f"HorizontalPodAutoscalers of {namespace}", error) from error
    return tuple(sorted(map(autoscaler_view, items), key=lambda each: each.name))


def await_computing(cluster: Cluster, namespace: str, *, within_seconds: float) -> tuple[Autoscaler, ...]:
    """Return the autoscalers when all of them compute how many replicas are needed, or as they are when time is over.

    They look at their metrics every 15 s (Kubernetes' own period), so that they know of new replicas later than the
    metrics API does. This is no judgement: whoever goes on will judge what is there. Raises as
    :func:`observe_autoscalers` does.
    """
    return look_until(
        lambda: observe_autoscalers(cluster, namespace),
        until=lambda found: all(each.computes for each in found),
        within_seconds=within_seconds,
        every_seconds=EVERY_SECONDS,
    )


def autoscaler_view(item: Any) -> Autoscaler:
    """Return what matters of an autoscaler; what it leaves out has the API's default."""
    spec, down = item.spec, item.spec.behavior and item.spec.behavior.scale_down
    window = down.stabilization_window_seconds if down else None
    found = [each.resource for each in spec.metrics or () if each.resource]
    return Autoscaler(
        name=item.metadata.name,
        kind=spec.scale_target_ref.kind,
        target=spec.scale_target_ref.name,
        min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
        max_replicas=spec.max_replicas,
        utilization={each.name: each.target.average_utilization for each in found if each.target.average_utilization},
        window_seconds=USUAL_WINDOW_SECONDS if window is None else window,
        conditions=tuple(
            Condition(each.type, each.status == "True", each.reason or "", each.message or "")
            for each in (item.status.conditions or () if item.status else ())
        ),
    )
