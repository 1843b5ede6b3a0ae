"""Steps that run a Chaos Toolkit experiment."""

from __future__ import annotations

import random
from functools import partial
from itertools import chain

import pytest
from pytest_bdd import given, parsers, then, when

from seatrial.chaos import faults
from seatrial.chaos.conduct import guarded_run
from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import find_experiment, read_experiment
from seatrial.chaos.journal import Journal
from seatrial.chaos.judge import check_experiment
from seatrial.chaos.outage import Victims, choose_victims
from seatrial.chaos.plan import Plan
from seatrial.chaos.targets import Replicas, Targets, choose
from seatrial.checks import failover, reach
from seatrial.cluster.client import Cluster
from seatrial.cluster.spread import can_be_lost, observe_standing, spread
from seatrial.errors import Doubt, Inconclusive, fail_on
from seatrial.observe.flow import Flow
from seatrial.observe.publication import observe_replicas
from seatrial.observe.vantage import Vantage
from seatrial.plugin import TrialOptions
from seatrial.progress import Phases
from seatrial.report.evidence import Collectors, Evidence
from seatrial.system import System
from steps.health import Outages, keep_outages, require_switches


@given("a worker holds replicas of every service, and not all of any", target_fixture="worker")
def worker_that_can_be_lost(cluster: Cluster, system: System, dice: random.Random) -> str:
    spread(cluster, system.namespace, within_seconds=system.tolerances.rollout_seconds)
    standing = observe_standing(cluster, system.namespace)
    nodes = can_be_lost(standing, [each.workload for each in system.services])
    if not nodes:
        places = [f"{name}: {', '.join(sorted(pod.node for pod in pods))}" for name, pods in standing.items()]
        remedy = "give it workers, and let replicas spread over them"
        raise Inconclusive(Doubt("the cluster", "a worker that can be lost", remedy, tuple(places)))
    return dice.choice(nodes)


@given("requests are sent from the other nodes", target_fixture="vantages")
def vantages_elsewhere(vantages: tuple[Vantage, ...], worker: str) -> tuple[Vantage, ...]:
    """An agent that is lost with its node tells nothing about the system."""
    return tuple(vantage for vantage in vantages if vantage.node != worker)


@when(parsers.parse('the experiment "{name}" is run'), target_fixture="outages")
def experiment_is_run(
    name: str,
    flow: Flow,
    dice: random.Random,
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Outages:
    experiment = fit_experiment(name, flow.system, trial_options)
    replicas = {each.name: observe_replicas(flow.cluster, flow.system, each) for each in flow.system.services}
    targets = targets_of(experiment, flow, replicas, dice)
    plan = Plan(experiment, flow.cluster, flow.system, trial_options.system, targets, trial_options.seed)
    return undergo_experiment(plan, flow, watched(targets, replicas), evidence, on_failure)


@when(parsers.parse('the experiment "{name}" is run on that worker'), target_fixture="outages")
def experiment_is_run_on_a_worker(
    name: str,
    worker: str,
    flow: Flow,
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Outages:
    experiment = fit_experiment(name, flow.system, trial_options)
    replicas = {each.name: observe_replicas(flow.cluster, flow.system, each) for each in flow.system.services}
    there = tuple(pod for pods in replicas.values() for pod in pods if pod.node == worker)
    targets = Targets(node=worker)
    plan = Plan(experiment, flow.cluster, flow.system, trial_options.system, targets, trial_options.seed)
    return undergo_experiment(plan, flow, watched(Targets(there), replicas), evidence, on_failure)


@then("enough requests succeed")
def enough_succeed(outages: Outages, system: System) -> None:
    given = system.tolerances
    fail_on(
        chain.from_iterable(
            failover.too_few_succeed(outage, given.crash_success, given.crash_window_seconds) for outage in outages
        )
    )


@then("errors end within the bound for lost nodes")
def errors_of_a_lost_node_end(outages: Outages, system: System) -> None:
    bound = system.tolerances.node_loss_seconds
    fail_on(chain.from_iterable(failover.lasting_errors(outage, bound) for outage in outages))


@then("all its replicas are back within the bound")
def lost_replicas_are_back(outages: Outages, system: System) -> None:
    bound = system.tolerances.node_loss_seconds + system.tolerances.recovery_seconds
    fail_on(chain.from_iterable(failover.not_replaced(outage, bound) for outage in outages))


@then("only the replica at fault fails requests")
def errors_stay_its_own(outages: Outages) -> None:
    fail_on(chain.from_iterable(reach.failures_of_others(outage) for outage in outages))


@then("no request to another service fails")
def others_are_spared(outages: Outages, flow: Flow) -> None:
    concerned, since = {outage.service for outage in outages}, min(outage.fault_at for outage in outages)
    what = ", ".join(f"{outage.service} {outage.kind}" for outage in outages)
    others = [(name, traffic) for name, traffic in flow.stop().items() if name not in concerned]
    fail_on(chain.from_iterable(reach.failures_beside(name, traffic, since, what) for name, traffic in others))


def fit_experiment(name: str, system: System, options: TrialOptions) -> Experiment:
    """Return an experiment; skip where it needs nodes that can be entered, or switches, and there are none."""
    experiment = read_experiment(find_experiment(name))
    needs = experiment.extension.needs
    if "engine" in needs and options.cluster != "kind":
        pytest.skip(f"{name} enters nodes from their engine, which is to be had with the project's own cluster only")
    if "faults" in needs:
        require_switches(system)
    return experiment


def targets_of(experiment: Experiment, flow: Flow, replicas: Replicas, dice: random.Random) -> Targets:
    """Return who suffers by the experiment's own choice.

    What is to be deleted may have been restarted often: its replacement begins anew. What is to be restarted must not,
    because the kubelet delays each further restart of a container.
    """
    if experiment.extension.select == "one-of-each":
        deleted = any("delete" in rule.verbs for rule in experiment.extension.permissions)
        return Targets(tuple(choose_victims(flow, dice, fewest_restarts=not deleted).values()))
    return choose(experiment.extension.select, replicas, (), dice)


def watched(targets: Targets, replicas: Replicas) -> Victims:
    """Return the one target of each service that is watched, the first."""
    hit = {name: [pod for pod in targets.pods if pod in pods] for name, pods in replicas.items()}
    return {name: pods[0] for name, pods in hit.items() if pods}


def run_and_judge(plan: Plan, evidence: Evidence) -> Journal:
    """Run an experiment, guarded as by hand, and judge its journal."""
    experiment = plan.experiment
    journal = guarded_run(plan, evidence.folder, Phases())
    kept = evidence.json(f"experiment {experiment.name}", journal)
    check_experiment(journal, allow_deviation_during=experiment.extension.deviation_during, evidence=kept)
    return journal


def undergo_experiment(plan: Plan, flow: Flow, victims: Victims, evidence: Evidence, on_failure: Collectors) -> Outages:
    """Run it under the flow of requests and keep what was seen of each service that it concerns."""
    run = partial(run_and_judge, plan, evidence)
    fault = faults.by_experiment(plan.experiment.name, run, flow.system.tolerances.crash_window_seconds)
    return keep_outages(flow, fault, victims, evidence, on_failure)
