"""Steps about the spread of traffic over replicas."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from pytest_bdd import given, then, when

from seatrial.checks import affinity, spread
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_service
from seatrial.observe.publication import observe_replicas
from seatrial.observe.records import PodView, ServiceView, Traffic
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Collectors, Evidence
from seatrial.report.plots import spread_plot
from seatrial.system import Service, System

AT_A_TIME = 2
"""Connections from a node to a service while a sample is drawn. Samples of all are drawn at once: more would not be
faster, but starve the replicas, so that some lose their readiness and get no traffic (half a mesh's sample, once)."""
KEPT_REQUESTS = 100
"""Requests over one connection; a balancer of requests would spread them."""


class Sample(NamedTuple):
    """Fresh connections from one node to one service, and the replicas that should share them."""

    service: Service
    pods: tuple[PodView, ...]
    plan: spread.Plan
    traffic: Traffic

    @property
    def title(self) -> str:
        return f"{self.service.name} from {self.traffic.node}"


class Clients(NamedTuple):
    """What one node met at a service and at its twin."""

    service: Service
    view: ServiceView | None
    plain: Traffic
    twin_view: ServiceView | None
    twin: Traffic


@when("a sample of fresh connections is made to every service from every node", target_fixture="samples")
def sample_from_everywhere(
    cluster: Cluster, system: System, vantages: tuple[Vantage, ...], on_failure: Collectors
) -> list[Sample]:
    return draw(cluster, system, vantages, on_failure)


@when("a sample of fresh connections is made to every service from one node", target_fixture="samples")
def sample_from_one_node(
    cluster: Cluster, system: System, vantages: tuple[Vantage, ...], on_failure: Collectors, dice: random.Random
) -> list[Sample]:
    return draw(cluster, system, [dice.choice(vantages)], on_failure)


def draw(cluster: Cluster, system: System, vantages: Sequence[Vantage], on_failure: Collectors) -> list[Sample]:
    """Draw one sample per service and node, of the size that the declared error rate, power and skew ask for."""
    given = system.tolerances
    pods = {service.name: observe_replicas(cluster, system, service) for service in system.services}

    def sample(pair: tuple[Service, Vantage]) -> Sample:
        service, vantage = pair
        replicas = pods[service.name]
        plan = spread.plan(
            max(len(replicas), 2), alpha=given.alpha, power=given.power, smallest_skew=given.smallest_skew
        )
        url, header = system.url(service), system.identity.header
        traffic = vantage.requests(url, count=plan.size, concurrency=AT_A_TIME, identity_header=header)
        return Sample(service, replicas, plan, traffic)

    samples = at_once(sample, [(service, vantage) for service in system.services for vantage in vantages])
    for each in samples:
        on_failure.add(f"requests to {each.title}", raw_records(each))
    return samples


def raw_records(sample: Sample) -> Callable[[Evidence], None]:
    """Return a collector of a sample's single requests."""

    def collect(evidence: Evidence) -> None:
        evidence.csv(f"requests to {sample.title}", sample.traffic.requests)

    return collect


@then("each sample is spread evenly over the ready replicas")
def samples_are_even(samples: list[Sample], evidence: Evidence) -> None:
    names = [show(sample, evidence) for sample in samples]
    fail_on(
        chain.from_iterable(
            spread.uneven(each.service.name, each.traffic.url, each.traffic, each.pods, each.plan, name)
            for each, name in zip(samples, names, strict=True)
        )
    )


def show(sample: Sample, evidence: Evidence) -> str:
    """Keep a sample's counts as data and as a picture; returns the name of the data."""
    counted = spread.count(sample.traffic, (pod.name for pod in sample.pods))
    note = f"chi-square {counted.chi_square:.1f}, allowed {sample.plan.critical:.1f} (n={sample.plan.size})"
    expected = sample.traffic.count / max(len(sample.pods), 1)
    evidence.png(f"spread of {sample.title}", spread_plot(sample.title, dict(counted.counts), expected, note))
    return evidence.json(f"spread of {sample.title}", {"plan": sample.plan, "spread": counted})


@given("every service has a twin that asks for session affinity")
def twins_are_published(twins: Mapping[str, str]) -> None:
    """The fixture publishes them, and removes them at the end."""


@when("every node calls each service and its twin", target_fixture="clients")
def call_twins(
    cluster: Cluster, system: System, vantages: tuple[Vantage, ...], twins: Mapping[str, str]
) -> list[Clients]:
    def call(pair: tuple[Service, Vantage]) -> Clients:
        service, vantage = pair
        views = [observe_service(cluster.another(), system.namespace, each) for each in names_of(service, twins)]
        count = affinity.requests_to_tell(service.replicas, system.tolerances.alpha)
        plain, twin = (
            vantage.requests(system.url(service, name=name), count=count, identity_header=system.identity.header)
            for name in names_of(service, twins)
        )
        return Clients(service, views[0], plain, views[1], twin)

    return at_once(call, [(service, vantage) for service in system.services for vantage in vantages])


def names_of(service: Service, twins: Mapping[str, str]) -> tuple[str, str]:
    """Return the names of the Service and of its twin."""
    return service.service, twins[service.name]


@then("each client sticks to one replica of the twin")
def clients_stick_to_twins(clients: list[Clients], evidence: Evidence) -> None:
    table = [(each.service.name, each.plain.node, each.plain.answers(), each.twin.answers()) for each in clients]
    evidence.csv("who answered", table, ("service", "client", "without affinity", "with affinity"))
    fail_on(
        chain.from_iterable(affinity.not_sticking(each.service.name, each.twin_view, each.twin) for each in clients)
    )


@then("no client sticks to one replica of the service")
def clients_do_not_stick(clients: list[Clients]) -> None:
    fail_on(chain.from_iterable(affinity.sticking(each.service.name, each.view, each.plain) for each in clients))


@when("every service is called over one kept connection", target_fixture="kept")
def call_over_kept_connections(system: System, vantages: tuple[Vantage, ...]) -> list[tuple[Service, Traffic, Traffic]]:
    vantage, header = vantages[-1], system.identity.header

    def call(service: Service) -> tuple[Service, Traffic, Traffic]:
        kept, fresh = (
            vantage.requests(
                system.url(service), count=KEPT_REQUESTS, concurrency=1, fresh=is_fresh, identity_header=header
            )
            for is_fresh in (False, True)
        )
        return service, kept, fresh

    return at_once(call, system.services)


@then("that connection is answered by one replica alone")
def kept_connections_stay(kept: list[tuple[Service, Traffic, Traffic]], evidence: Evidence) -> None:
    table = [(service.name, kept.answers(), fresh.answers()) for service, kept, fresh in kept]
    evidence.csv("kept and fresh connections", table, ("service", "one kept connection", "fresh connections"))
    fail_on(chain.from_iterable(affinity.not_kept(service.name, traffic) for service, traffic, _ in kept))
