"""Waiting until every node's proxy follows the endpoints: they are programmed some time after the API server knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from seatrial.observe.flow import at_once
from seatrial.observe.vantage import Vantage
from seatrial.system import Service, System

CHANCE = 1e-3
"""Of a replica to be missed by one look although it is programmed; such a look is merely repeated."""
STRAY = 1
"""Replicas more than declared that such a look still shows: one that has left, and is programmed yet."""


T = TypeVar("T")


def await_all(is_there: Callable[[T], bool], subjects: Iterable[T], *, within_seconds: float) -> bool:
    """Look at all of them at the same time, again at those that are not there yet; false when the bound is over first.

    A look begins before the bound is over, and may end after it.
    """
    deadline, pending = time.monotonic() + within_seconds, list(subjects)
    while pending and time.monotonic() < deadline:
        there = at_once(is_there, pending)
        pending = [each for each, is_it in zip(pending, there, strict=True) if not is_it]
    return not pending


def await_convergence(
    system: System,
    vantages: Sequence[Vantage],
    replicas: Mapping[str, Collection[str]],
    names: Mapping[str, str] | None = None,
) -> bool:
    """Wait until each node reaches exactly the named replicas of each service; false when the bound is over first.

    ``replicas`` maps service to pod names, ``names`` service to another Service object than the declared one. This is
    no judgement: whoever goes on without convergence will measure, and judge, what is there.
    """
    pairs = [(system.service(name), vantage) for name in replicas for vantage in vantages]
    return _await(system, pairs, names or {}, lambda service, seen: seen == frozenset(replicas[service.name]))


def await_one_each(system: System, vantages: Sequence[Vantage], names: Mapping[str, str]) -> bool:
    """Wait until each node gets an answer under each of these Service names; false when the bound is over first."""
    pairs = [(system.service(name), vantage) for name in names for vantage in vantages]
    return _await(system, pairs, names, lambda service, seen: bool(seen))


def _await(
    system: System,
    pairs: Sequence[tuple[Service, Vantage]],
    names: Mapping[str, str],
    is_enough: Callable[[Service, frozenset[str]], bool],
) -> bool:
    within = system.tolerances.propagation_seconds
    return await_all(lambda pair: is_enough(pair[0], _reached(system, *pair, names)), pairs, within_seconds=within)


def _reached(system: System, service: Service, vantage: Vantage, names: Mapping[str, str]) -> frozenset[str]:
    """Return who answers a few fresh connections; nobody counts when one of them fails."""
    traffic = vantage.requests(
        system.url(service, name=names.get(service.name)),
        count=_look_size(service.replicas),
        concurrency=4,
        identity_header=system.identity.header,
        timeout_seconds=system.tolerances.request_timeout_seconds,
        timed=False,
    )
    return frozenset() if traffic.failed else frozenset(traffic.answers())


def _look_size(replicas: int) -> int:
    """Return how many connections show all replicas, and one more, but for ``CHANCE``."""
    k, size = replicas + STRAY, 1
    while k * (1 - 1 / k) ** size > CHANCE:
        size += 1
    return size
