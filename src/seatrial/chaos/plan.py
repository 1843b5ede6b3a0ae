"""One run of an experiment before it begins: who suffers, by which calls, within which limits; nothing is touched."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from seatrial.chaos.experiment import Experiment, resolved
from seatrial.chaos.ground import CONTROL_PLANE
from seatrial.chaos.limits import Harm, foresee, limits_of
from seatrial.chaos.remains import namespaces_named
from seatrial.chaos.rights import account_of, must_not, told
from seatrial.chaos.shortfalls import shortfalls
from seatrial.chaos.surroundings import surroundings
from seatrial.chaos.targets import Replicas, Targets, by_name, choose, harms_pods, named_node, only
from seatrial.cluster import istio
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned, require_owned_node
from seatrial.errors import EnvironmentFault, GuardRefusal, UsageError
from seatrial.observe.kube import UNREAD, observe_pods, unread
from seatrial.system import System


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for; what is left out is chosen."""

    services: tuple[str, ...] = ()
    targets: str | None = None
    """Regular expression over the names of pods."""
    node: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Plan:
    """A run that may begin."""

    experiment: Experiment
    cluster: Cluster
    system: System
    system_file: Path
    targets: Targets
    seed: int
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the experiment's process, beside those for its targets: what its text leaves to who runs it."""

    @property
    def within_seconds(self) -> float:
        """After which the run is interrupted."""
        return self.experiment.extension.blast_radius.minutes * 60

    @property
    def harm(self) -> Harm:
        """All that the run means to harm: the chosen replicas and node, as far as its method asks for them."""
        document, targets = self.experiment.document, self.targets
        pods = targets.pods if document.uses("targets") else ()
        nodes = (targets.node,) if targets.node and document.uses("node") else ()
        return Harm(pods, nodes, self.experiment.extension.harmed_namespaces)

    def environment(self, cluster: Cluster) -> dict[str, str]:
        """Return the variables of the experiment's process, for the connection that it is given."""
        targets, service = self.targets, ",".join(self.targets.services)
        given = surroundings(
            cluster, self.system, self.system_file, targets.pattern, node=targets.node, service=service
        )
        return given | dict(self.variables)


def make_plan(experiment: Experiment, cluster: Cluster, system: System, system_file: Path, wish: Wish) -> Plan:
    """Return the plan of one run, of what runs now.

    Raises UsageError when what is wished does not fit, GuardRefusal when it is not allowed, EnvironmentFault when the
    system is not in its steady state, or does not answer; nothing was touched then.
    """
    require_parts(experiment, cluster, system)
    require_owned(cluster, *experiment.extension.harmed_namespaces)
    seed = random.SystemRandom().randrange(2**32) if wish.seed is None else wish.seed
    replicas = {each.name: observe_pods(cluster, system.namespace, each.workload) for each in system.services}
    lacking = shortfalls(cluster, system)
    if lacking:
        what = f"the system is not in its steady state: {'; '.join(lacking)}"
        raise EnvironmentFault(f"{what}; nothing was touched", remedy="run 'seatrial chaos heal'")
    chosen = _targets(experiment, cluster, replicas, wish, random.Random(seed))
    others = ready_workers(cluster) if chosen.node and wish.node is None else []
    candidates = [chosen, *(Targets(node=node) for node in others if node != chosen.node)]
    if chosen.node and not experiment.extension.nodes_stay:
        candidates = _with_replicas(candidates, replicas)
    return _first_permitted([Plan(experiment, cluster, system, system_file, each, seed) for each in candidates])


def _with_replicas(candidates: Sequence[Targets], replicas: Replicas) -> list[Targets]:
    """Return those whose node holds a replica; raises UsageError when none does: nobody would miss such a node."""
    standing = {pod.node for pods in replicas.values() for pod in pods}
    found = [each for each in candidates if each.node in standing]
    if not found:
        nodes = ", ".join(each.node for each in candidates)
        remedy = "spread them by 'kubectl rollout restart deployment', or name a node that holds some"
        raise UsageError(f"no replica of the system is on {nodes}, and nobody would miss it", remedy=remedy)
    return found


def _first_permitted(plans: Sequence[Plan]) -> Plan:
    """Return the first plan whose harm is allowed: a node that was chosen may hold somebody's only replica.

    Raises the last one's GuardRefusal when none is.
    """
    *others, last = plans
    for plan in others:
        with suppress(GuardRefusal):
            return _permitted(plan)
    return _permitted(last)


def _permitted(plan: Plan) -> Plan:
    """Return a plan; raises GuardRefusal when its harm is not allowed."""
    targets, extension = plan.targets, plan.experiment.extension
    if "engine" in extension.needs:
        for node in dict.fromkeys(filter(None, (targets.node, *(pod.node for pod in targets.pods)))):
            require_owned_node(node)
    if plan.harm != Harm():
        foresee(plan.cluster, plan.system, plan.harm, limits_of(extension, time.time()))
    return plan


def require_parts(experiment: Experiment, cluster: Cluster, system: System) -> None:
    """Raise UsageError when the system, or its cluster, has not what the experiment needs."""
    parts = {"faults": system.faults, "gateway": system.gateway, "mesh": system.mesh}
    for need in experiment.extension.needs:
        if need in parts and parts[need] is None:
            what = f"{experiment.name} needs {need}, which the description of {system.name} does not declare"
            raise UsageError(what, remedy="choose another experiment; 'seatrial chaos list' shows what each needs")
    if "mesh" in experiment.extension.needs and namespaces_named(cluster, istio.NAMESPACE) == []:
        what = f"{experiment.name} needs mesh, and this cluster has none: there is no namespace {istio.NAMESPACE}"
        raise UsageError(what, remedy="run 'seatrial up --overlay istio', or choose another experiment")


def _targets(experiment: Experiment, cluster: Cluster, replicas: Replicas, wish: Wish, dice: random.Random) -> Targets:
    select = experiment.extension.select
    if (wish.targets is not None or wish.services) and not harms_pods(select):
        raise UsageError(
            f"{experiment.name} chooses no replicas (select {select})", remedy="leave --targets, --service out"
        )
    if wish.node is not None and select != "one-node":
        raise UsageError(f"{experiment.name} chooses no node (select {select})", remedy="leave --node out")
    workers = ready_workers(cluster) if select == "one-node" else []
    if wish.node is not None:
        return Targets(node=named_node(wish.node, workers))
    wanted = only(wish.services, replicas)
    return choose(select, wanted, workers, dice) if wish.targets is None else by_name(wish.targets, wanted)


def ready_workers(cluster: Cluster) -> list[str]:
    """Return the names of the ready nodes that do not run the control plane; raises EnvironmentFault."""
    try:
        nodes: Any = cluster.core.list_node(_request_timeout=10).items
    except UNREAD as error:
        raise unread("the nodes of the cluster", error) from error
    return [
        node.metadata.name for node in nodes if _is_ready(node) and CONTROL_PLANE not in (node.metadata.labels or {})
    ]


def _is_ready(node: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in node.status.conditions or ())


def describe(plan: Plan) -> Iterator[str]:
    """Yield what the run would do, in plain lines: targets, calls, permissions, limits."""
    experiment, extension, targets = plan.experiment, plan.experiment.extension, plan.targets
    yield f"{experiment.name}: {experiment.document.title}"
    yield f"  cluster      {plan.cluster.context_name or plan.cluster.kubeconfig} ({plan.cluster.server})"
    yield f"  select       {extension.select}, seed {plan.seed}"
    for pod in targets.pods:
        yield f"  target       pod {pod.namespace}/{pod.name} on {pod.node}"
    if targets.node:
        yield f"  target       node {targets.node}"
    if not (targets.pods or targets.node):
        yield "  target       what its calls name; nothing is chosen"
    yield from chain.from_iterable(_calls(plan, part) for part in ("method", "rollbacks"))
    account = account_of(experiment, plan.system, "…")
    yield from (f"  may          {line}" for line in told(account))
    yield from (f"  must not     {question}" for question in must_not(account))
    radius = extension.blast_radius
    reach = f"{radius.pods} pods, {radius.percent_ready} % of a workload, {radius.nodes} nodes"
    yield f"  limits       {reach}, {radius.minutes:g} min"
    yield f"  last replica {'may be taken' if extension.total_loss else 'is kept'}"
    yield f"  steady state {'may be lost' if extension.deviation_during else 'must hold'} meanwhile"


def _calls(plan: Plan, part: str) -> Iterator[str]:
    environment = plan.environment(plan.cluster)
    known = {
        name: environment.get(value["key"], str(value.get("default", "")))
        for name, value in plan.experiment.document.configuration.items()
        if isinstance(value, dict) and value.get("type") == "env"
    }
    for deed in getattr(plan.experiment.document, part):
        given = ", ".join(f"{key}={value!r}" for key, value in resolved(deed.provider.arguments, known).items())
        yield f"  {part.rstrip('s'):<12} {deed.type} {deed.name}: {deed.call}({given})"
