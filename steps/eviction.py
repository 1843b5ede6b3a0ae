"""Steps about replicas that are evicted, as whoever drains a node does it."""

from __future__ import annotations

import random
from itertools import chain

import pytest
from pytest_bdd import then, when

from seatrial.checks import eviction
from seatrial.checks.eviction import Evictions
from seatrial.cluster.client import Cluster
from seatrial.cluster.eviction import evict
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.lineup import await_settled, observe_lineups
from seatrial.report.evidence import Evidence
from seatrial.system import System


@when("one replica of every service is evicted, and another one is asked for right after it", target_fixture="evicted")
def evict_one_ask_for_another(
    cluster: Cluster, system: System, dice: random.Random, evidence: Evidence
) -> list[Evictions]:
    ready = {name: [pod for pod in each.pods if pod.ready] for name, each in observe_lineups(cluster, system).items()}
    if any(len(pods) < 2 for pods in ready.values()):
        pytest.skip("a service has one replica only, of which none can be spared")
    pairs = {name: dice.sample(pods, 2) for name, pods in ready.items()}
    # of each service at once: the budget is to be asked before the one is replaced
    first = {name: (evict(cluster, one), evict(cluster, other, dry_run=True)) for name, (one, other) in pairs.items()}
    lineups = await_settled(cluster, system, within_seconds=system.tolerances.replacement_seconds)
    later = {name: evict(cluster, other, dry_run=True) for name, (_, other) in pairs.items()}
    found = [
        Evictions(name, one, other, granted, meanwhile, later[name], lineups[name].settled)
        for (name, (one, other)), (granted, meanwhile) in zip(pairs.items(), first.values(), strict=True)
    ]
    evidence.json("evictions", found)
    return found


@then("the other one has to stay until the first is replaced, and no longer")
def evicted_one_at_a_time(evicted: list[Evictions]) -> None:
    fail_on(chain.from_iterable(map(eviction.not_one_at_a_time, evicted)))
    doubt_on(chain.from_iterable(map(eviction.unproven, evicted)))
