"""Steps about replicas that come and go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from pytest_bdd import given, parsers, then, when

from seatrial.checks import membership
from seatrial.cluster.client import Cluster
from seatrial.cluster.scale import scale
from seatrial.errors import doubt_on, fail_on
from seatrial.groups import groups
from seatrial.observe.convergence import await_convergence
from seatrial.observe.flow import Flow
from seatrial.observe.membership import Membership, follow, replicas_asked
from seatrial.observe.publication import replica_names
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Evidence
from seatrial.system import System


class Members(NamedTuple):
    """For each service the replica that came, and the one that went."""

    joined: list[Membership]
    left: list[Membership]
    files: Mapping[str, str]
    """Service to the file of its requests while the replica went."""


@given(parsers.parse("every service runs {replicas:d} replicas"))
def run_replicas(replicas: int, cluster: Cluster, system: System, vantages: tuple[Vantage, ...]) -> None:
    scale(cluster, system, {service.name: replicas for service in system.services})
    await_convergence(system, vantages, replica_names(cluster, system))


@when("every service gains a replica, and loses one again", target_fixture="members")
def come_and_go(cluster: Cluster, system: System, vantages: tuple[Vantage, ...], evidence: Evidence) -> Members:
    joined, left = [], []
    for some in groups(system.services):
        with Flow(cluster, system, vantages, services=some) as flow:
            joined += gain_a_replica(flow, vantages)
        with Flow(cluster, system, vantages, services=some) as flow:
            left += lose_a_replica(flow, vantages)
    keep(joined, "comes", evidence)
    return Members(joined, left, keep(left, "goes", evidence))


def keep(members: Iterable[Membership], what: str, evidence: Evidence) -> dict[str, str]:
    """Keep every request that was made meanwhile; returns the file's name for each service."""
    return {
        each.service: evidence.packed_csv(f"requests to {each.service} while a replica {what}", each.traffic.requests)
        for each in members
    }


def gain_a_replica(flow: Flow, vantages: tuple[Vantage, ...]) -> list[Membership]:
    """Give every service that is asked one more replica, and follow it."""
    before = replicas_asked(flow)
    scale(flow.cluster, flow.system, {name: len(pods) + 1 for name, pods in before.items()})
    new = {name: next(pod for pod in pods if pod not in before[name]) for name, pods in replicas_asked(flow).items()}
    return follow(flow, vantages, new, time.time(), present=True)


def lose_a_replica(flow: Flow, vantages: tuple[Vantage, ...]) -> list[Membership]:
    """Take one replica, which the cluster chooses, from every service that is asked, and follow it."""
    before, began = replicas_asked(flow), time.time()
    fewer = {name: len(pods) - 1 for name, pods in before.items()}
    scale(flow.cluster, flow.system, fewer)
    after = {name: {pod.name for pod in pods} for name, pods in replicas_asked(flow).items()}
    lost = {name: next(pod for pod in pods if pod.name not in after[name]) for name, pods in before.items()}
    return follow(flow, vantages, lost, began, present=False)


@then("the new replica is named within the bound")
def new_replica_is_named(members: Members, system: System, evidence: Evidence) -> None:
    evidence.json("how names followed who came", {each.service: each.named for each in members.joined})
    bound = system.tolerances.dns_seconds
    fail_on(chain.from_iterable(membership.unnamed(each, bound, present=True) for each in members.joined))


@then("it gets requests within the bound")
def new_replica_gets_requests(members: Members, system: System) -> None:
    bound = system.tolerances.propagation_seconds
    fail_on(chain.from_iterable(membership.unfound(each, bound) for each in members.joined))


@then("the removed replica is no longer named after the bound")
def removed_replica_is_not_named(members: Members, system: System, evidence: Evidence) -> None:
    evidence.json("how names followed who went", {each.service: each.named for each in members.left})
    bound = system.tolerances.dns_seconds
    fail_on(chain.from_iterable(membership.unnamed(each, bound, present=False) for each in members.left))


@then("it gets no request after the bound")
def removed_replica_gets_nothing(members: Members, system: System) -> None:
    bound, timeout = system.tolerances.propagation_seconds, system.tolerances.request_timeout_seconds
    fail_on(
        chain.from_iterable(
            membership.unforgotten(each, bound, timeout, members.files[each.service]) for each in members.left
        )
    )
    doubt_on(chain.from_iterable(membership.starved(each, timeout) for each in members.left))
