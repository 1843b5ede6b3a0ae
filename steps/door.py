"""Steps about the gateway's own replicas."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pytest_bdd import parsers, when

from seatrial.chaos.journal import Journal
from seatrial.chaos.plan import Plan
from seatrial.chaos.targets import Targets
from seatrial.checks.surroundings import ineffective
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.kube import ready_pods
from seatrial.observe.proxies import observe_gateways
from seatrial.observe.readers import Readers
from seatrial.observe.records import Changes, Outage, PodView, Traffic, undergoing
from seatrial.observe.vantage import Vantage
from seatrial.plugin import TrialOptions
from seatrial.report.evidence import Collectors, Evidence
from seatrial.system import System
from steps.chaos import fit_experiment, run_and_judge
from steps.health import Outages, keep_timelines
from steps.reliability import gateway_targets, log_in
from steps.routing import gateway_of
from steps.surroundings import effects


@when(parsers.parse('the experiment "{name}" is run while customers read steadily'), target_fixture="outages")
def disturb_the_door(
    name: str,
    door: FrontDoor,
    cluster: Cluster,
    system: System,
    vantages: tuple[Vantage, ...],
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Outages:
    given, gateways = system.tolerances, ready_pods(observe_gateways(cluster, system))
    _, target = gateway_targets(cluster, system, door, log_in(door, system))[0]
    experiment = fit_experiment(name, system, trial_options)
    plan = Plan(experiment, cluster, system, trial_options.system, Targets(), trial_options.seed)
    with Readers(cluster, system, vantages, target) as readers:
        journal = run_and_judge(plan, evidence)
        window = crash_of(journal)["at"] + given.crash_window_seconds - time.time()
        readers.observe(max(window, given.settle_seconds))
        outage = outage_of(name, system, journal, gateways, *readers.stop())
    doubt_on(ineffective(name, effects(journal)))
    keep_timelines([outage], evidence, on_failure)
    return [outage]


def outage_of(
    name: str, system: System, journal: Journal, gateways: Sequence[PodView], traffic: Traffic, changes: Changes
) -> Outage:
    """Return what was seen around the crash of one of the gateway's replicas."""
    crash, service = crash_of(journal), gateway_of(system).service
    victim = next(pod for pod in gateways if pod.uid == crash["uid"])
    proof = ", ".join(name for name, seen in effects(journal).items() if seen)
    return Outage(service, service, undergoing(name), victim, crash["at"], proof, traffic, changes, tuple(gateways))


def crash_of(journal: Journal) -> dict[str, Any]:
    """Return what the last action says about whom it hit, and when."""
    hit: dict[str, Any] = journal.actions[-1].output[0]
    return hit
