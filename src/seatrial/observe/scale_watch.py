"""A watch on one service that scales: its Deployment, and what its autoscaler says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from seatrial.observe.autoscalers import LIMITED, TOO_MANY, Autoscaler, autoscaler_view
from seatrial.observe.watch import Watch


@dataclass(frozen=True, slots=True)
class Count:
    """How many replicas a Deployment was to have, and how many were ready, after something about it changed."""

    at: float
    wanted: int
    ready: int


@dataclass(frozen=True, slots=True)
class Said:
    """An autoscaler as it was after something about it changed."""

    at: float
    autoscaler: Autoscaler


@dataclass(frozen=True, slots=True)
class Scale:
    """What the watch has seen, each in order of time; the first entries are the state at its start."""

    counts: tuple[Count, ...]
    said: tuple[Said, ...]

    @property
    def wanted(self) -> int:
        """Replicas that the Deployment is to have, after the last change."""
        return self.counts[-1].wanted

    @property
    def ready(self) -> int:
        """Replicas that were ready, after the last change."""
        return self.counts[-1].ready

    @property
    def changed_at(self) -> float:
        """When that number became what it is."""
        latest = takewhile(lambda each: each.wanted == self.wanted, reversed(self.counts))
        return min(each.at for each in latest)

    def rested(self, seconds: float, *, since: float = 0.0) -> bool:
        """Tell whether that number did not change for so long, counted from a moment at the earliest."""
        return time.time() - max(self.changed_at, since) >= seconds

    def until(self, moment: float) -> Scale:
        """Return what had been seen by then."""
        return Scale(
            tuple(each for each in self.counts if each.at <= moment),
            tuple(each for each in self.said if each.at <= moment),
        )

    def limited(self, since: float) -> bool:
        """Tell whether the autoscaler has said since then that it would have more replicas than it may."""
        said = (each.autoscaler.condition(LIMITED) for each in self.said if each.at >= since)
        return any(each.holds and each.reason == TOO_MANY for each in said if each)


@dataclass
class ScaleWatch(Watch):
    """Watches while it is entered; :meth:`scale` may be read at any time."""

    workload: str = ""
    autoscaler: str = ""
    _counts: list[Count] = field(default_factory=list)
    _said: list[Said] = field(default_factory=list)

    def scale(self) -> Scale:
        """Return what was seen so far."""
        return Scale(tuple(self._counts), tuple(self._said))

    def _followers(self) -> tuple[tuple[Callable[..., Any], Callable[[str, Any], None]], ...]:
        connection, other = self.cluster.another(), self.cluster.another()
        return (
            (connection.apps.list_namespaced_deployment, self._note_deployment),
            (other.autoscaling.list_namespaced_horizontal_pod_autoscaler, self._note_autoscaler),
        )

    def _note_deployment(self, kind: str, item: Any) -> None:
        if item.metadata.name == self.workload and kind != "DELETED":
            self._counts.append(Count(time.time(), item.spec.replicas or 0, item.status.ready_replicas or 0))

    def _note_autoscaler(self, kind: str, item: Any) -> None:
        if item.metadata.name == self.autoscaler and kind != "DELETED":
            self._said.append(Said(time.time(), autoscaler_view(item)))
