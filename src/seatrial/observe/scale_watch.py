"""A watch on one service that scales: its Deployment, its autoscaler, and what that tells in events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from types import TracebackType
from typing import Any, Self

from seatrial.observe.autoscalers import Autoscaler, autoscaler_view
from seatrial.observe.watch import Watch

RESCALE = "SuccessfulRescale"
"""Reason of the event by which an autoscaler tells a step, and why it took it."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many replicas a Deployment was to have, and how many were ready, after something about it changed."""

    at: float
    wanted: int
    ready: int


@dataclass(frozen=True, slots=True)
class Note:
    """An event about an autoscaler."""

    at: float
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """An autoscaler as it was after something about it changed."""

    at: float
    autoscaler: Autoscaler


@dataclass(frozen=True, slots=True)
class Scale:
    """What the watch has seen, each in order of time; the first entries are the state at its start, but for events."""

    counts: tuple[Count, ...]
    said: tuple[Said, ...]
    notes: tuple[Note, ...]

    @property
    def wanted(self) -> int:
        """Replicas that the Deployment is to have, after the last change."""
        return self.counts[-1].wanted

    @property
    def changed_at(self) -> float:
        """When that number became what it is."""
        latest = takewhile(lambda each: each.wanted == self.wanted, reversed(self.counts))
        return min(each.at for each in latest)

    def rested(self, seconds: float, *, since: float = 0.0) -> bool:
        """Tell whether that number did not change for so long, counted from a moment at the earliest."""
        return time.time() - max(self.changed_at, since) >= seconds


@dataclass
class ScaleWatch(Watch):
    """Watches while it is entered; :meth:`scale` may be read at any time."""

    workload: str = ""
    autoscaler: str = ""
    _counts: list[Count] = field(default_factory=list)
    _said: list[Said] = field(default_factory=list)
    _notes: list[Note] = field(default_factory=list)
    _told: set[tuple[str, int]] = field(default_factory=set)
    _begun: bool = False

    def __enter__(self) -> Self:
        super().__enter__()
        self._begun = True  # what was listed until now was told before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)

    def scale(self) -> Scale:
        """Return what was seen so far."""
        return Scale(tuple(self._counts), tuple(self._said), tuple(self._notes))

    def _followers(self) -> tuple[tuple[Callable[..., Any], Callable[[str, Any], None]], ...]:
        first, second, third = (self.cluster.another() for _ in range(3))
        return (
            (first.apps.list_namespaced_deployment, self._note_deployment),
            (second.autoscaling.list_namespaced_horizontal_pod_autoscaler, self._note_autoscaler),
            (third.core.list_namespaced_event, self._note_event),
        )

    def _note_deployment(self, kind: str, item: Any) -> None:
        if item.metadata.name == self.workload and kind != "DELETED":
            self._counts.append(Count(time.time(), item.spec.replicas or 0, item.status.ready_replicas or 0))

    def _note_autoscaler(self, kind: str, item: Any) -> None:
        if item.metadata.name == self.autoscaler and kind != "DELETED":
            self._said.append(Said(time.time(), autoscaler_view(item)))

    def _note_event(self, kind: str, item: Any) -> None:
        about = item.involved_object
        told = (item.metadata.uid, item.count or 0)
        if (about.kind, about.name) != ("HorizontalPodAutoscaler", self.autoscaler) or told in self._told:
            return
        self._told.add(told)  # an event that is listed anew is told once
        if self._begun and kind != "DELETED":
            self._notes.append(Note(time.time(), item.reason or "", item.message or ""))
