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

    @property
    def pattern(self) -> str:
        """A regular expression that matches exactly the names of the pods."""
        names = sorted(re.escape(pod.name) for pod in self.pods)
        return f"^({'|'.join(names)})$" if names else NOBODY


def choose(select: Select, replicas: Replicas, workers: Sequence[str], dice: random.Random) -> Targets:
    """Return who suffers; the same seed chooses the same of the same.

    Half of a service is rounded up. Only ready replicas are chosen, those with the fewest restarts first, because the
    kubelet delays each further restart of a container. Raises UsageError when there is nobody to choose.
    """
    services = sorted(replicas)
    if select == "system":
        return Targets()
    if select == "one-node":
        return Targets(node=dice.choice(_workers(workers)))
    if select in ONE_SERVICE:
        services = [dice.choice(services)]
    chosen = [_some(name, replicas[name], select, dice) for name in services]
    return Targets(tuple(chain.from_iterable(chosen)), services=tuple(services) if select in ONE_SERVICE else ())


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


def _some(service: str, replicas: Sequence[PodView], select: Select, dice: random.Random) -> list[PodView]:
    ready = sorted(ready_pods(replicas), key=lambda pod: pod.name)
    if not ready:
        raise UsageError(f"{service} has no ready replica that could suffer", remedy="run 'seatrial chaos heal'")
    number = {"all-of-one": len(ready), "half-of-each": (len(ready) + 1) // 2}.get(select, 1)
    dice.shuffle(ready)
    return sorted(ready, key=lambda pod: pod.restarts)[:number]


def _workers(workers: Sequence[str]) -> Sequence[str]:
    if not workers:
        raise UsageError("there is no ready worker node that could suffer", remedy="start one that is no control plane")
    return sorted(workers)
