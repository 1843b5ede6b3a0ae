"""Who suffers: chosen by an experiment's ``select`` and a seed, or named by a person; pure."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from seatrial.chaos.extension import ONE_SERVICE, PODS, Select
from seatrial.errors import UsageError
from seatrial.observe.kube import ready_pods
from seatrial.observe.records import PodView

NOBODY = "(?!)"
"""A regular expression that matches nothing: an empty one would match all."""
Replicas = Mapping[str, Sequence[PodView]]
"""Service name to its replicas."""


@dataclass(frozen=True)
class Targets:
    """Who suffers in one run."""

    pods: tuple[PodView, ...] = ()
    node: str = ""
    services: tuple[str, ...] = ()
    """Names of the services that it is about; empty when it is about none, or all."""
    places: tuple[str, ...] = ()
    """Which of how many each of them was, as ``auth 2/3``; names differ between two runs of a seed, these do not."""

    @property
    def pattern(self) -> str:
        """A regular expression that matches exactly the names of the pods."""
        names = sorted(re.escape(pod.name) for pod in self.pods)
        return f"^({'|'.join(names)})$" if names else NOBODY


def choose(select: Select, replicas: Replicas, workers: Sequence[str], dice: random.Random) -> Targets:
    """Return who suffers; the same seed chooses the same of the same.

    Half of a service is rounded up. Only ready replicas are chosen, those with the fewest restarts first, because the
    kubelet delays each further restart of a container. What a seed repeats is the place of each in the order of
    restarts and name. Raises UsageError when there is nobody to choose.
    """
    services = sorted(replicas)
    if select == "system":
        return Targets()
    if select == "one-node":
        known = _workers(workers)
        node = dice.choice(known)
        return Targets(node=node, places=(f"worker {known.index(node) + 1}/{len(known)}",))
    if select in ONE_SERVICE:
        services = [dice.choice(services)]
    ordered = {name: _in_order(name, replicas[name]) for name in services}
    chosen = {name: _some(ordered[name], select, dice) for name in services}
    places = (
        f"{name} {ordered[name].index(pod) + 1}/{len(ordered[name])}" for name in services for pod in chosen[name]
    )
    about = tuple(services) if select in ONE_SERVICE else ()
    return Targets(tuple(chain.from_iterable(chosen.values())), services=about, places=tuple(places))


def by_name(pattern: str, replicas: Replicas) -> Targets:
    """Return the ready replicas that a regular expression of a person names; raises UsageError when it names none."""
    pods = [pod for each in replicas.values() for pod in ready_pods(each)]
    if not pattern:
        raise UsageError("--targets is empty and would name every replica", remedy="give a regular expression of names")
    try:
        named = tuple(pod for pod in pods if re.search(pattern, pod.name))
    except re.error as error:
        raise UsageError(f"--targets {pattern}: is no regular expression: {error}") from None
    if not named:
        there = ", ".join(sorted(pod.name for pod in pods)) or "no ready replica at all"
        raise UsageError(f"--targets {pattern}: matches no ready replica", remedy=f"there are {there}")
    services = [name for name, each in replicas.items() if any(pod in named for pod in each)]
    return Targets(named, services=tuple(sorted(services)))


def only(services: Sequence[str], replicas: Replicas) -> Replicas:
    """Return the replicas of the named services, of all when none is named; raises UsageError for an unknown one."""
    for name in services:
        if name not in replicas:
            raise UsageError(
                f"--service {name}: there is no such service", remedy=f"give {', '.join(sorted(replicas))}"
            )
    return {name: each for name, each in replicas.items() if not services or name in services}


def named_node(name: str, workers: Sequence[str]) -> str:
    """Return a node that a person named; raises UsageError when it is none that may suffer."""
    if name not in workers:
        there = ", ".join(sorted(workers)) or "no ready worker"
        raise UsageError(f"--node {name}: is no ready worker node of this cluster", remedy=f"there are {there}")
    return name


def harms_pods(select: Select) -> bool:
    """Tell whether the selection is one of replicas."""
    return select in PODS


def _in_order(service: str, replicas: Sequence[PodView]) -> list[PodView]:
    ready = sorted(ready_pods(replicas), key=lambda pod: (pod.restarts, pod.name))
    if not ready:
        raise UsageError(f"{service} has no ready replica that could suffer", remedy="run 'seatrial chaos heal'")
    return ready


def _some(ordered: Sequence[PodView], select: Select, dice: random.Random) -> list[PodView]:
    number = {"all-of-one": len(ordered), "half-of-each": (len(ordered) + 1) // 2}.get(select, 1)
    shuffled = dice.sample(ordered, len(ordered))
    return sorted(shuffled, key=lambda pod: pod.restarts)[:number]


def _workers(workers: Sequence[str]) -> Sequence[str]:
    if not workers:
        raise UsageError("there is no ready worker node that could suffer", remedy="start one that is no control plane")
    return sorted(workers)
