"""Steps about names: what is published, what resolves, who answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.checks import discovery
from seatrial.checks.spread import not_only_by
from seatrial.cluster.client import Cluster
from seatrial.errors import Failure, fail_on
from seatrial.observe.calls import call_service, log_in
from seatrial.observe.flow import at_once
from seatrial.observe.publication import Publication, observe_publication, observe_replicas
from seatrial.observe.records import DnsAnswer, Traffic
from seatrial.observe.vantage import Answer, Vantage
from seatrial.report.evidence import Evidence
from seatrial.system import Edge, Service, System

ABSENT = "seatrial-absent"
"""A name that no Service has."""
CALLS = 50
"""Calls from each node to each service when it is asked who answers at all."""


class Lookup(NamedTuple):
    """Names of one service, asked on every node."""

    publication: Publication
    addresses: Sequence[DnsAnswer]
    ports: Sequence[DnsAnswer]


@when("the published services are compared with their declaration", target_fixture="published")
def read_publications(cluster: Cluster, system: System) -> list[Publication]:
    return [observe_publication(cluster, system, service) for service in system.services]


@then("each service offers its declared port to exactly its ready replicas")
def publications_match(published: list[Publication], system: System, evidence: Evidence) -> None:
    evidence.json("publications", published)
    fail_on(
        chain.from_iterable(
            discovery.unpublished(each.service, f"{system.namespace}/{each.name}", each.view, each.endpoints, each.pods)
            for each in published
        )
    )


@when("every service is looked up from every node by its short and its full name", target_fixture="lookups")
def look_up(cluster: Cluster, system: System, vantages: tuple[Vantage, ...]) -> list[Lookup]:
    return [_look_up(cluster, system, service, vantages) for service in system.services]


def _look_up(cluster: Cluster, system: System, service: Service, vantages: tuple[Vantage, ...]) -> Lookup:
    names = (service.service, f"{system.host(service)}.")
    port = f"_{service.port_name}._{service.protocol.lower()}"
    return Lookup(
        observe_publication(cluster, system, service),
        [vantage.resolve(name) for vantage in vantages for name in names],
        [vantage.resolve(f"{port}.{name}", "SRV") for vantage in vantages for name in names],
    )


@then("each answer is the address and the port of that service")
def names_lead_to_services(lookups: list[Lookup], system: System, evidence: Evidence) -> None:
    evidence.json("lookups", [each._asdict() for each in lookups])
    fail_on(chain.from_iterable(_lookup_failures(each, system) for each in lookups))


def _lookup_failures(lookup: Lookup, system: System) -> Iterator[Failure]:
    service, view = lookup.publication.service, lookup.publication.view
    address = frozenset({view.cluster_ip} if view else ())
    return chain(
        discovery.wrong_addresses(service, address, lookup.addresses, "the address of the Service"),
        discovery.wrong_ports(service, system.host(service), lookup.ports),
    )


@when("every headless name is looked up from every node", target_fixture="lookups")
def look_up_headless(cluster: Cluster, system: System, vantages: tuple[Vantage, ...]) -> list[Lookup]:
    if not any(service.headless for service in system.services):
        pytest.skip(f"{system.name} declares no headless names")
    return [
        Lookup(
            observe_publication(cluster, system, service, service.headless),
            [vantage.resolve(f"{system.host(service, service.headless)}.") for vantage in vantages],
            (),
        )
        for service in system.services
        if service.headless
    ]


@then("each answer lists exactly the ready replicas")
def headless_names_list_replicas(lookups: list[Lookup], system: System, evidence: Evidence) -> None:
    evidence.json("lookups", [each._asdict() for each in lookups])
    fail_on(chain.from_iterable(_headless_failures(each, system) for each in lookups))


def _headless_failures(lookup: Lookup, system: System) -> Iterator[Failure]:
    each = lookup.publication
    address = f"{system.namespace}/{each.name}"
    ready = frozenset(pod.ip for pod in each.pods)
    return chain(
        discovery.unpublished_headless(each.service, address, each.view, each.endpoints, each.pods),
        discovery.wrong_addresses(each.service, ready, lookup.addresses, "exactly the ready replicas"),
    )


@when("a service that does not exist is looked up from every node", target_fixture="answers")
def look_up_nobody(system: System, vantages: tuple[Vantage, ...]) -> list[DnsAnswer]:
    names = (ABSENT, f"{ABSENT}.{system.namespace}.svc.{system.cluster_domain}.")
    return [vantage.resolve(name) for vantage in vantages for name in names]


@then("every resolver says that there is no such name")
def nobody_is_refused(answers: list[DnsAnswer], evidence: Evidence) -> None:
    evidence.json("answers", answers)
    fail_on(discovery.known_strangers(answers))


@when("every declared call is made from every node", target_fixture="calls")
def make_calls(system: System, vantages: tuple[Vantage, ...]) -> list[tuple[Edge, Answer]]:
    if not system.edges:
        pytest.skip(f"{system.name} declares no calls between services")
    token = log_in(vantages[0], system)
    pairs = [(edge, vantage) for edge in system.edges for vantage in vantages]
    return [
        (edge, call_service(vantage, system, system.service(edge.caller), edge.request, token))
        for edge, vantage in pairs
    ]


@then("each call is answered and a replica of the called service took part")
def edges_work(calls: list[tuple[Edge, Answer]], cluster: Cluster, system: System, evidence: Evidence) -> None:
    evidence.json("calls", calls)
    fail_on(chain.from_iterable(_edge_failures(edge, answer, cluster, system) for edge, answer in calls))


def _edge_failures(edge: Edge, answer: Answer, cluster: Cluster, system: System) -> Iterator[Failure]:
    called = discovery.called_replicas(answer.headers.get(system.identity.called_header.lower(), ""))
    pods = observe_replicas(cluster, system, system.service(edge.callee))
    return discovery.broken_edge(edge, answer.node, answer.status, answer.error, called, pods)


@when("every service is called from every node", target_fixture="samples")
def call_everyone(system: System, vantages: tuple[Vantage, ...]) -> list[tuple[Service, Traffic]]:
    pairs = [(service, vantage) for service in system.services for vantage in vantages]
    return at_once(lambda pair: (pair[0], _call(system, *pair)), pairs)


def _call(system: System, service: Service, vantage: Vantage) -> Traffic:
    return vantage.requests(system.url(service), count=CALLS, identity_header=system.identity.header)


@then("only replicas of that service answer")
def only_own_replicas(samples: list[tuple[Service, Traffic]], cluster: Cluster, system: System) -> None:
    pods = {service.name: observe_replicas(cluster, system, service) for service in system.services}
    fail_on(
        chain.from_iterable(
            not_only_by(service.name, traffic.url, traffic, pods[service.name]) for service, traffic in samples
        )
    )
