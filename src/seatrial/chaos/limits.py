"""How far an experiment may reach: decided before each destructive call, over all that the run has done already."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from seatrial.chaos.extension import Extension
from seatrial.chaos.ground import Ground, observe_ground
from seatrial.chaos.ledger import NOTHING, Done, Harmed, open_ledger
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import GuardRefusal
from seatrial.observe.records import PodView
from seatrial.system import System
from seatrial.system_values import Model

LIMITS = "SEATRIAL_LIMITS"
"""Variable with the limits of a run, as JSON."""
PROTECTED = (
    "default",
    "istio-system",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "local-path-storage",
    "seatrial-chaos",
)
"""Namespaces that others stand on: an experiment that harms one names it in its extension."""


class Limits(Model):
    """What one run is allowed."""

    pods: int = 4
    percent_ready: float = 50
    nodes: int = 1
    total_loss: bool = False
    nodes_stay: bool = False
    namespaces: tuple[str, ...] = ()
    """Namespaces beside the system's own; protected ones only when they stand here."""
    until: float | None = None
    """Unix seconds; no harm is begun later."""
    ledger: str | None = None
    """File that keeps what the run was permitted; without it, each call is judged alone."""


@dataclass(frozen=True)
class Harm:
    """What one destructive call will do."""

    pods: tuple[PodView, ...] = ()
    nodes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


def limits_of(extension: Extension, began: float, ledger: Path | None = None) -> Limits:
    """Return the limits that an experiment sets itself, for a run that began at a time (Unix seconds)."""
    radius = extension.blast_radius
    return Limits(
        pods=radius.pods,
        percent_ready=radius.percent_ready,
        nodes=radius.nodes,
        total_loss=extension.total_loss,
        nodes_stay=extension.nodes_stay,
        namespaces=extension.harmed_namespaces,
        until=began + radius.minutes * 60,
        ledger=str(ledger) if ledger else None,
    )


def limits_here() -> Limits:
    """Return the limits that the environment gives, else the default ones; raises GuardRefusal when they are broken."""
    given = os.environ.get(LIMITS)
    if not given:
        return Limits()
    try:
        return Limits.model_validate_json(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise GuardRefusal(f"{LIMITS} cannot be read: {where}: {first['msg']}") from None


def permit(cluster: Cluster, system: System, harm: Harm) -> None:
    """Raise GuardRefusal unless this harm is allowed here and now; what is permitted counts for the rest of the run.

    To be called before each destructive call. Whatever cannot be read is refused.
    """
    limits = limits_here()
    ground = survey(cluster, system, harm)
    with open_ledger(limits.ledger) as ledger:
        refuse(limits, system, harm, ledger.done, ground, time.time())
        pods = {pod.uid: Harmed(pod.name, ground.workload_of(pod), pod.restarts) for pod in harm.pods}
        ledger.add(pods, harm.nodes, ground.counts())


def foresee(cluster: Cluster, system: System, harm: Harm, limits: Limits) -> None:
    """Raise GuardRefusal when a run could not do this harm at once; nothing is permitted by it."""
    refuse(limits, system, harm, NOTHING, survey(cluster, system, harm), time.time())


def survey(cluster: Cluster, system: System, harm: Harm) -> Ground:
    """Return what is at stake; raises GuardRefusal where nothing may be harmed, or it cannot be told."""
    namespaces = tuple(dict.fromkeys(chain((pod.namespace for pod in harm.pods), harm.namespaces)))
    require_owned(cluster, *namespaces)
    try:
        return observe_ground(cluster, namespaces or (system.namespace,), harm.nodes)
    except Exception as error:  # fail closed, whatever the reason
        raise GuardRefusal(f"what is at stake cannot be told, so nothing is harmed: {error}") from error


def refuse(limits: Limits, system: System, harm: Harm, done: Done, ground: Ground, now: float) -> None:
    """Raise GuardRefusal with the first reason against it; pure."""
    for reason in reasons_against(limits, system, harm, done, ground, now):
        raise GuardRefusal(reason)


def reasons_against(
    limits: Limits, system: System, harm: Harm, done: Done, ground: Ground, now: float
) -> Iterator[str]:
    """Yield every reason against a harm, in one line each; pure."""
    if not (harm.pods or harm.nodes or harm.namespaces):
        yield "no target is named; an experiment harms what it names and nothing else"
    if limits.until is not None and now > limits.until:
        yield f"the run's time was over {now - limits.until:.0f} s ago; it may begin no further harm"
    yield from _namespaces(limits, system, harm)
    yield from _nodes(limits, harm, done, ground)
    yield from _pods(limits, harm, done, ground)
    yield from _last_replicas(limits, harm, done, ground)


def _namespaces(limits: Limits, system: System, harm: Harm) -> Iterator[str]:
    for name in dict.fromkeys(chain((pod.namespace for pod in harm.pods), harm.namespaces)):
        if name in limits.namespaces:
            continue
        if name in PROTECTED:
            yield f"namespace {name} is protected; an experiment that means it names it in its extension"
        elif name != system.namespace:
            yield f"namespace {name} is not that of {system.name} ({system.namespace}), nor named by the experiment"


def _nodes(limits: Limits, harm: Harm, done: Done, ground: Ground) -> Iterator[str]:
    for node in harm.nodes:
        if node in ground.control_plane:
            yield f"node {node} runs the control plane, without which nothing can be seen or healed"
    nodes = done.nodes | set(harm.nodes)
    if harm.nodes and len(nodes) > limits.nodes:
        listed = ", ".join(sorted(nodes))
        yield f"nodes harmed over the run would be {len(nodes)} ({listed}); the blast radius allows {limits.nodes}"


def _pods(limits: Limits, harm: Harm, done: Done, ground: Ground) -> Iterator[str]:
    pods = set(done.pods) | {pod.uid for pod in harm.pods}
    if harm.pods and len(pods) > limits.pods:
        yield f"pods harmed over the run would be {len(pods)}; the blast radius allows {limits.pods}"
    for workload, harmed in _harmed(harm, done, ground).items():
        whole = max(done.ready.get(workload, len(ground.ready.get(workload, ()))), 1)
        percent = 100 * len(harmed) / whole
        if percent > limits.percent_ready:
            told = f"{len(harmed)} of {whole} replicas of {workload} ({percent:.0f} %) would be harmed over the run"
            yield f"{told}; the blast radius allows {limits.percent_ready:g} %"


def _last_replicas(limits: Limits, harm: Harm, done: Done, ground: Ground) -> Iterator[str]:
    """Yield each workload that would have no ready replica left: none on other nodes, and none unharmed."""
    lost = set(done.pods) | {pod.uid for pod in harm.pods}
    suffering = set(_harmed(harm, done, ground))
    if not limits.nodes_stay:
        lost |= {uid for node in done.nodes | set(harm.nodes) for uid in ground.on_node.get(node, ())}
        suffering |= {name for name, ready in ground.ready.items() if harm.nodes and ready & lost}
    for workload in sorted(suffering):
        ready = ground.ready.get(workload, frozenset())
        if ready and not ready - lost and not limits.total_loss:
            yield f"{workload} would lose its last ready replica; only an experiment with total_loss may do that"


def _harmed(harm: Harm, done: Done, ground: Ground) -> Mapping[str, set[str]]:
    """Return the pods harmed over the run of each workload that this harm is about."""
    found: dict[str, set[str]] = {}
    for pod in harm.pods:
        found.setdefault(ground.workload_of(pod), set()).add(pod.uid)
    for uid, earlier in done.pods.items():
        if earlier.workload in found:
            found[earlier.workload].add(uid)
    return found
