"""Services in groups: the replicas of all would boot in step, and starve those who serve (decision 0017)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

TOGETHER = 2
"""Services that change at the same time (decision 0017)."""


def groups(services: Sequence[T], together: int = TOGETHER) -> Iterator[Sequence[T]]:
    """Yield the services in order, so many at a time; the last group may have fewer."""
    for first in range(0, len(services), together):
        yield services[first : first + together]
