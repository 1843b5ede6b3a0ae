"""Steps about the way to the gateway: its door at every node."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from pytest_bdd import then, when

from seatrial.checks import routing
from seatrial.cluster.client import Cluster
from seatrial.errors import fail_on
from seatrial.observe.customers import Reply, ask, customer
from seatrial.observe.entrance import node_addresses
from seatrial.observe.flow import at_once
from seatrial.observe.front_door import FrontDoor, open_at
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_values import Call
from steps.routing import gateway_endpoints, gateway_of


class Knock(NamedTuple):
    """What a customer meets who comes to one node."""

    node: str
    address: str
    reply: Reply


@when("a customer comes to every node", target_fixture="knocks")
def come_to_every_node(door: FrontDoor, cluster: Cluster, system: System, evidence: Evidence) -> list[Knock]:
    call, replicas = simplest_call(system), gateway_endpoints(cluster, system)
    addresses = open_at(gateway_of(system), node_addresses(cluster), replicas)
    doors = [replace(door, address=address) for address in addresses.values()]
    replies = at_once(lambda each: come(each, call), doors)
    knocks = [Knock(node, address, reply) for (node, address), reply in zip(addresses.items(), replies, strict=True)]
    evidence.csv("at the nodes", [(each.node, each.address, each.reply.told()) for each in knocks])
    return knocks


def simplest_call(system: System) -> Call:
    """Return a call that needs nothing that another one must get before: the log-in, where there is one."""
    return system.login.request if system.login else gateway_of(system).routes[0].call


def come(door: FrontDoor, call: Call) -> Reply:
    """Make one call at a door as a customer who has not been there before."""
    with customer(door) as client:
        return ask(client, door, call)


@then("each of them leads to the gateway")
def every_node_leads_to_the_gateway(knocks: list[Knock], cluster: Cluster, system: System) -> None:
    nodes = {each.node for each in gateway_endpoints(cluster, system) if each.ready}
    status = simplest_call(system).status
    fail_on(chain.from_iterable(routing.closed(*each, status, nodes) for each in knocks))
