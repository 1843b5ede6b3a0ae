"""Steps about changes of the replicas, which nobody is to notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import then, when

from fixtures.trial import Deployment
from seatrial.capabilities import Capabilities
from seatrial.chaos.changes import change_all
from seatrial.checks import rollouts
from seatrial.checks.reliability import sample_size
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.kube import observe_workload
from seatrial.observe.records import Request
from seatrial.observe.rounds import FRESH, KEPT, Round
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Evidence
from seatrial.system import System
from steps.reliability import daily_bound

MOST_ROUNDS = 40
"""After so many the nightly trial ends with what it has."""
COLUMNS = ("connections", "rounds", "requests", "failed", "fail at most", "confidence")


class Changes(NamedTuple):
    """Rounds of changes, how many requests of each kind they were to see, and where each round's requests are kept."""

    rounds: Sequence[Round]
    wanted: int
    files: Mapping[int, Mapping[str, str]]
    """Number of a round to kind of connection to the file's name."""


@when("every service is updated, scaled out, scaled in and rolled back under load", target_fixture="changes")
def change_once(
    deployment: Deployment,
    vantages: tuple[Vantage, ...],
    system: System,
    capabilities: Capabilities,
    evidence: Evidence,
) -> Changes:
    require_untried(system, capabilities)
    wanted = sample_size(daily_bound(system))
    return keep([change(deployment, vantages, 1, wanted)], wanted, system, evidence)


@when(
    "every service is updated, scaled out, scaled in and rolled back under load, again and again",
    target_fixture="changes",
)
def change_repeatedly(
    deployment: Deployment,
    vantages: tuple[Vantage, ...],
    system: System,
    capabilities: Capabilities,
    evidence: Evidence,
) -> Changes:
    require_untried(system, capabilities)
    rounds: list[Round] = []
    wanted = system.tolerances.rollout_requests // 2
    while not is_over(rounds, wanted):
        rounds.append(change(deployment, vantages, len(rounds) + 1))
    return keep(rounds, wanted, system, evidence)


def require_untried(system: System, capabilities: Capabilities) -> None:
    """Skip where a mesh would try requests again for who asks: there is no way past it."""
    if capabilities.get("mesh") is True and not all(each.direct for each in system.services):
        pytest.skip(f"{system.name} declares no direct way past the mesh, whose retries would hide what fails")


def change(deployment: Deployment, vantages: Sequence[Vantage], number: int, requests: int = 0) -> Round:
    """Do one round of changes to what is deployed."""
    return change_all(deployment.cluster, deployment.system, deployment.objects, vantages, number, requests=requests)


def is_over(rounds: Sequence[Round], wanted: int) -> bool:
    """Tell whether there were enough requests of each kind, or a round did not come to its end."""
    stuck = any(not phase.finished for each in rounds for phase in each.phases)
    enough = all(sum(each.requests(kind) for each in rounds) >= wanted for kind in (FRESH, KEPT))
    return stuck or enough or len(rounds) >= MOST_ROUNDS


def keep(rounds: Sequence[Round], wanted: int, system: System, evidence: Evidence) -> Changes:
    """Keep what the rounds show, the phases, and every single request."""
    confidence = system.tolerances.failure_confidence
    found = ((kind, rollouts.upper_bound(rounds, kind, confidence)) for kind in (FRESH, KEPT))
    rows = [(kind, len(rounds), *counts, f"{most:.2g}", confidence) for kind, (*counts, most) in found]
    evidence.csv("requests while services change", rows, COLUMNS)
    evidence.json("changes", {each.number: each.phases for each in rounds})
    return Changes(rounds, wanted, {each.number: keep_requests(each, evidence) for each in rounds})


def keep_requests(round: Round, evidence: Evidence) -> dict[str, str]:
    """Keep every request of a round; returns the file's name for each kind of connection."""
    columns = ("service", *Request.__slots__)
    return {
        kind: evidence.packed_csv(f"round {round.number} {kind} connections", list(rows_of(round, kind)), columns)
        for kind in (FRESH, KEPT)
    }


def rows_of(round: Round, kind: str) -> Iterable[tuple[object, ...]]:
    """Yield the requests of a round, each with its service."""
    for service, traffic in round.traffic[kind].items():
        for each in traffic.requests:
            yield service, *astuple(each)


@then("each change comes to its end within the bound")
def changes_end(changes: Changes, system: System) -> None:
    bound = system.tolerances.rollout_seconds
    fail_on(chain.from_iterable(rollouts.unfinished(each, bound) for each in changes.rounds))


@then("it does to every replica what it says")
def changes_happened(changes: Changes, cluster: Cluster, system: System) -> None:
    boots = boot_seconds(cluster, system)
    doubt_on(chain.from_iterable(rollouts.unproven(each, boots) for each in changes.rounds))


def boot_seconds(cluster: Cluster, system: System) -> dict[str, float]:
    """Return, for each service, how long a boot must take to try its probes; nothing where none is declared."""
    if not system.slow_boot:
        return {}
    live = {each.name: observe_workload(cluster, system.namespace, each.workload) for each in system.services}
    return {name: float(probe.detection_seconds) for name, each in live.items() if (probe := each.probe("liveness"))}


@then("no request fails over new or over kept connections")
def nothing_is_lost(changes: Changes, system: System) -> None:
    timeout = system.tolerances.request_timeout_seconds
    fail_on(chain.from_iterable(rollouts.lost(each, changes.files[each.number], timeout) for each in changes.rounds))
    doubt_on(chain.from_iterable(rollouts.starved(each, timeout) for each in changes.rounds))


@then("there were requests all the time, and enough of them")
def changes_were_seen(changes: Changes, system: System) -> None:
    gap = system.tolerances.rollout_gap_seconds
    doubt_on(chain.from_iterable(rollouts.silent(each, gap) for each in changes.rounds))
    doubt_on(rollouts.too_few(changes.rounds, changes.wanted))
