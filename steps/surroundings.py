"""Steps about what stands around the services: name servers, proxies, the gateway, control planes, releases."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import given, parsers, then, when

from seatrial.chaos.journal import Journal
from seatrial.chaos.plan import Plan
from seatrial.chaos.surroundings import CALLER, NODE, SERVICE
from seatrial.chaos.targets import Targets
from seatrial.checks import surroundings as check
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.disturbance import Disturbance
from seatrial.observe.flow import Flow
from seatrial.observe.names import Questions
from seatrial.observe.proxies import observe_workers
from seatrial.observe.publication import replica_names
from seatrial.plugin import TrialOptions
from seatrial.report.evidence import Collectors, Evidence
from seatrial.report.plots import timeline_plot
from seatrial.system import System
from steps.chaos import fit_experiment, run_and_judge

EDGES = ("packet-loss", "edge-latency", "edge-latency-mesh")
"""Experiments on one declared call."""
SERVICES = ("rolling-update", "bad-rollout", "rollout-undo", "scale-to-minimum")
"""Experiments on one service."""
DELAY_SECONDS = 0.3
"""By which edge-latency and edge-latency-mesh delay a call."""


class Choice(NamedTuple):
    """To whom an experiment is done: a name for the reader, and the variables that say it to the experiment."""

    subject: str
    variables: Mapping[str, str]


@given("names are asked for on every node")
def names_are_asked_for(questions: Questions) -> None:
    """Have them asked: the fixture begins with it."""


@when(parsers.parse('the experiment "{name}" is run around the services'), target_fixture="disturbance")
def disturb_surroundings(
    name: str,
    flow: Flow,
    dice: random.Random,
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Disturbance:
    return disturb(name, flow, trial_options, dice, evidence, on_failure)


@when(
    parsers.parse('the experiment "{name}" is run while services are called by their addresses'),
    target_fixture="disturbance",
)
def disturb_names(
    name: str,
    addressed_flow: Flow,
    dice: random.Random,
    evidence: Evidence,
    on_failure: Collectors,
    trial_options: TrialOptions,
) -> Disturbance:
    return disturb(name, addressed_flow, trial_options, dice, evidence, on_failure)


def disturb(
    name: str, flow: Flow, options: TrialOptions, dice: random.Random, evidence: Evidence, on_failure: Collectors
) -> Disturbance:
    """Run an experiment under a flow of requests, and keep what was seen as data and as a picture.

    What is normal shows before it begins: its guard has to stand first.
    """
    system, replicas = flow.system, replica_names(flow.cluster, flow.system)
    chosen = choose(name, flow.cluster, system, dice)
    experiment = fit_experiment(name, system, options)
    plan = Plan(experiment, flow.cluster, system, options.system, Targets(), options.seed, chosen.variables)
    journal = run_and_judge(plan, evidence)
    ended = time.time()
    flow.observe(system.tolerances.settle_seconds)
    seen = Disturbance(name, chosen.subject, began(journal), ended, effects(journal), flow.stop(), replicas)
    show(seen, evidence, on_failure)
    doubt_on(check.unproven(seen))
    return seen


def choose(name: str, cluster: Cluster, system: System, dice: random.Random) -> Choice:
    """Return to whom an experiment is done, by chance; skip where there is nobody."""
    if name in EDGES:
        if not system.calls:
            pytest.skip(f"{system.name} declares no calls between services")
        caller, callee = dice.choice(system.calls)
        return Choice(f"{caller} → {callee}", {CALLER: caller, SERVICE: callee})
    if name in SERVICES:
        service = dice.choice(system.services).name
        return Choice(service, {SERVICE: service})
    if name == "kube-proxy-stopped":
        node = dice.choice(observe_workers(cluster))
        return Choice(node, {NODE: node})
    return Choice("", {})


def began(journal: Journal) -> float:
    """Return when the first action after the guard began, in Unix seconds."""
    return journal.actions[1].start


def effects(journal: Journal) -> dict[str, bool]:
    """Return each probe of the experiment's effect, and whether it saw one."""
    return {each.name: each.saw_it for each in journal.effects}


def show(seen: Disturbance, evidence: Evidence, on_failure: Collectors) -> None:
    """Keep when what failed, and every single request when something is not as it should be."""
    timelines = [seen.timeline(service) for service in seen.traffic]
    evidence.json("timelines", {"timelines": timelines, "effects": seen.effects})
    evidence.png("timelines", timeline_plot(timelines, seen.traffic))
    on_failure.add("requests", lambda kept: keep_requests(seen, kept))


def keep_requests(seen: Disturbance, evidence: Evidence) -> None:
    """Keep every single request of the observation."""
    for service, traffic in seen.traffic.items():
        evidence.csv(f"requests to {service}", traffic.requests)


@then("no request fails while it lasts")
def no_request_fails_meanwhile(disturbance: Disturbance) -> None:
    fail_on(chain.from_iterable(check.failed(disturbance, service) for service in disturbance.traffic))


@then("only the former replicas answer")
def only_former_replicas_answer(disturbance: Disturbance) -> None:
    fail_on(chain.from_iterable(check.answered_by_newcomers(disturbance, each) for each in disturbance.traffic))


@then("no other request is delayed")
def no_other_request_is_delayed(disturbance: Disturbance) -> None:
    fail_on(chain.from_iterable(check.slowed(disturbance, each, DELAY_SECONDS) for each in disturbance.traffic))


@then("every name is answered within the bound")
def names_are_answered(disturbance: Disturbance, questions: Questions, system: System, evidence: Evidence) -> None:
    judge_names(disturbance, questions, system, evidence, grace_seconds=0.0)


@then("every name is answered again within the bound")
def names_are_answered_again(
    disturbance: Disturbance, questions: Questions, system: System, evidence: Evidence
) -> None:
    judge_names(disturbance, questions, system, evidence, grace_seconds=system.tolerances.names_back_seconds)


def judge_names(
    disturbance: Disturbance, questions: Questions, system: System, evidence: Evidence, *, grace_seconds: float
) -> None:
    """Judge the answers to the questions for names, asked on past the time in which they need none."""
    remaining = disturbance.began + grace_seconds + system.tolerances.settle_seconds - time.time()
    questions.observe(max(remaining, 0.0))
    asked = questions.stop()
    evidence.csv("questions for names", asked)
    doubt_on(check.unasked(asked, disturbance, grace_seconds))
    fail_on(check.unanswered(asked, disturbance, system.tolerances.name_seconds, grace_seconds))
