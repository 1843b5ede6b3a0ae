"""Steps about the mesh: who is answered in it, and how everybody proves who he is."""

from __future__ import annotations

import random
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from seatrial.checks import mesh
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.mesh_calls import MeshCall, call_each, forged_header, undeclared
from seatrial.observe.plain_text import PlainAnswer, ask_in_plain_text, spared_port
from seatrial.observe.publication import observe_replicas
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Evidence
from seatrial.system import System
from seatrial.system_mesh import Mesh
from steps.reliability import agents_beside


class Neighbours(NamedTuple):
    """What services get that ask each other: those that are declared to, and those that are not."""

    friends: tuple[MeshCall, ...]
    strangers: tuple[MeshCall, ...]


@when("every replica is asked in plain text by somebody who is not in the mesh", target_fixture="plain_answers")
def ask_replicas_in_plain_text(cluster: Cluster, system: System, evidence: Evidence) -> tuple[PlainAnswer, ...]:
    spared = spared_port(system)
    if spared is None:
        pytest.skip(f"{system.name} declares no port that a mesh leaves alone (vantage_beside, faults)")
    answers = ask_in_plain_text(cluster, system, spared)
    evidence.json("plain text", answers)
    return answers


@then("each closes the connection")
def plain_text_is_refused(plain_answers: tuple[PlainAnswer, ...], system: System) -> None:
    fail_on(chain.from_iterable(map(mesh.spoken, plain_answers)))
    doubt_on(mesh.unproven_silence([each.service for each in system.services], plain_answers))


@when("every declared caller asks its callees, and claims to be somebody else", target_fixture="claims")
def claim_to_be_somebody_else(
    cluster: Cluster, system: System, dice: random.Random, evidence: Evidence
) -> tuple[MeshCall, ...]:
    forged = forged_header(mesh_of(system), system.namespace)
    claims = call_each(system, agents_of(cluster, system, dice), system.calls, forged)
    evidence.json("who asks whom", claims)
    return claims


@then("each callee knows who asks whom")
def identities_are_proven(claims: tuple[MeshCall, ...], cluster: Cluster, system: System) -> None:
    accounts = accounts_of(cluster, system)
    fail_on(chain.from_iterable(mesh.mistaken(each, mesh_of(system), system.namespace, accounts) for each in claims))


@when("every service asks every other one", target_fixture="neighbours")
def ask_each_other(cluster: Cluster, system: System, dice: random.Random, evidence: Evidence) -> Neighbours:
    agents, friends, strangers = agents_of(cluster, system, dice), system.calls, undeclared(system)
    if not strangers:
        pytest.skip(f"{system.name} declares that every service calls every other one")
    answers = call_each(system, agents, [*friends, *strangers])
    evidence.csv("who is answered", [(each.caller, each.callee, each.told()) for each in answers])
    return Neighbours(answers[: len(friends)], answers[len(friends) :])


@then("those who are declared to call are answered")
def friends_are_answered(neighbours: Neighbours) -> None:
    fail_on(chain.from_iterable(map(mesh.shut_out, neighbours.friends)))


@then("all others are refused")
def strangers_are_refused(neighbours: Neighbours) -> None:
    fail_on(chain.from_iterable(map(mesh.not_refused, neighbours.strangers)))


def mesh_of(system: System) -> Mesh:
    """Return how the mesh names who is in it; skip where no replica tells."""
    if system.mesh is None:
        pytest.skip(f"{system.name} declares no answer that tells who asks whom (mesh)")
    return system.mesh


def agents_of(cluster: Cluster, system: System, dice: random.Random) -> dict[str, Vantage]:
    """Return, for each service, the agent beside one of its replicas; skip where none stands there, or nobody calls."""
    found = agents_beside(cluster, system, [each.name for each in system.services])
    if not system.edges:
        pytest.skip(f"{system.name} declares no calls between services")
    return {name: dice.choice(agents) for name, agents in found.items()}


def accounts_of(cluster: Cluster, system: System) -> dict[str, str]:
    """Return the service account under which the replicas of each service run."""
    found = {each.name: observe_replicas(cluster, system, each) for each in system.services}
    return {name: replicas[0].service_account if replicas else "" for name, replicas in found.items()}
