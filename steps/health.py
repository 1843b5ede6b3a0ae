"""Steps about replicas that fail, and traffic that must avoid them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain

import pytest
from pytest_bdd import then, when

from seatrial.chaos import faults
from seatrial.chaos.outage import Fault, Victims, choose_victims, undergo
from seatrial.checks import failover, probes
from seatrial.checks.timeline import timeline_of
from seatrial.cluster.client import Cluster
from seatrial.errors import doubt_on, fail_on
from seatrial.observe.flow import Flow
from seatrial.observe.kube import observe_pods, observe_workload
from seatrial.observe.records import Outage, PodView, Workload
from seatrial.observe.vantage import Vantage
from seatrial.report.evidence import Collectors, Evidence
from seatrial.report.plots import timeline_plot
from seatrial.system import System
from steps.balancing import draw, samples_are_even

Outages = Sequence[Outage]


@when("the health checks of every service are read", target_fixture="workloads")
def read_health_checks(cluster: Cluster, system: System) -> dict[str, Workload]:
    return {each.name: observe_workload(cluster, system.namespace, each.workload) for each in system.services}


@then("each service has the probes that failover needs")
def probes_are_there(workloads: dict[str, Workload], system: System, evidence: Evidence) -> None:
    evidence.json("health checks", workloads)
    fail_on(
        chain.from_iterable(
            probes.missing_probes(each, f"{system.namespace}/{each.workload}", workloads[each.name], system.tolerances)
            for each in system.services
        )
    )


@when("one replica of every service reports that it is not ready", target_fixture="outages")
def replicas_are_not_ready(flow: Flow, dice: random.Random, evidence: Evidence, on_failure: Collectors) -> Outages:
    require_switches(flow.system)
    return suffer(flow, faults.not_ready(flow.cluster, flow.system, hold_seconds(flow)), dice, evidence, on_failure)


@when("one replica of every service hangs", target_fixture="outages")
def replicas_hang(flow: Flow, dice: random.Random, evidence: Evidence, on_failure: Collectors) -> Outages:
    require_switches(flow.system)
    return suffer(flow, faults.hangs(flow.cluster, flow.system), dice, evidence, on_failure)


def require_switches(system: System) -> None:
    """Skip where the system under test cannot be told to fail."""
    if system.faults is None:
        pytest.skip(f"{system.name} declares no fault switches")


def hold_seconds(flow: Flow) -> float:
    """Return how long readiness is to fail: past its bound, and past the point where liveness would have acted."""
    live = [observe_workload(flow.cluster, flow.system.namespace, each.workload) for each in flow.system.services]
    acted = [probe.detection_seconds for each in live if (probe := each.probe("liveness"))]
    return max(flow.system.tolerances.withdrawal_seconds, *acted, 0.0) + flow.system.tolerances.settle_seconds


def suffer(flow: Flow, fault: Fault, dice: random.Random, evidence: Evidence, on_failure: Collectors) -> Outages:
    """Do the fault to one replica of every service, as :func:`keep_outages` does."""
    return keep_outages(flow, fault, choose_victims(flow, dice), evidence, on_failure)


def keep_outages(flow: Flow, fault: Fault, victims: Victims, evidence: Evidence, on_failure: Collectors) -> Outages:
    """Do the fault to these replicas and keep what was seen as data and as a picture."""
    outages = undergo(flow, fault, victims)
    keep_timelines(outages, evidence, on_failure)
    doubt_on(chain.from_iterable(failover.unproven(outage) for outage in outages))
    return outages


def keep_timelines(outages: Outages, evidence: Evidence, on_failure: Collectors) -> None:
    """Keep what was seen as data and as a picture, and on failure every single request."""
    timelines = [timeline_of(outage) for outage in outages]
    evidence.json("timelines", {"timelines": timelines, "proofs": {each.service: each.proof for each in outages}})
    evidence.png("timelines", timeline_plot(timelines, {each.service: each.traffic for each in outages}))
    on_failure.add("requests", lambda kept: keep_requests(outages, kept))


def keep_requests(outages: Outages, evidence: Evidence) -> None:
    """Keep every single request of the observation."""
    for outage in outages:
        evidence.csv(f"requests to {outage.service}", outage.traffic.requests)


@then("it gets no new request after the bound for unready replicas")
def unready_replicas_are_avoided(outages: Outages, system: System) -> None:
    bound = system.tolerances.withdrawal_seconds
    fail_on(chain.from_iterable(failover.still_called(outage, bound) for outage in outages))


@then("it gets no new request after the bound for hung replicas")
def hung_replicas_are_avoided(outages: Outages, system: System) -> None:
    bound = system.tolerances.hang_withdrawal_seconds
    fail_on(chain.from_iterable(failover.still_called(outage, bound) for outage in outages))


@then("no request fails")
def no_request_fails(outages: Outages, evidence: Evidence) -> None:
    evidence.text("requests", "\n".join(f"{each.service}: {failover.upper_bound(each.traffic)}" for each in outages))
    fail_on(chain.from_iterable(failover.failed_requests(outage) for outage in outages))


@then("errors end within the bound and enough requests succeed")
def crash_is_survived(outages: Outages, system: System) -> None:
    given = system.tolerances
    fail_on(
        chain.from_iterable(
            failover.too_many_errors(outage, given.crash_success, given.crash_window_seconds, given.crash_error_seconds)
            for outage in outages
        )
    )


@then("it is not restarted")
def not_restarted(outages: Outages, cluster: Cluster, system: System) -> None:
    fail_on(chain.from_iterable(failover.restarted(each, victim_now(each, cluster, system)) for each in outages))


@then("it is restarted")
def restarted(outages: Outages, cluster: Cluster, system: System) -> None:
    bound = system.tolerances.restart_seconds
    fail_on(
        chain.from_iterable(failover.not_restarted(each, victim_now(each, cluster, system), bound) for each in outages)
    )


def victim_now(outage: Outage, cluster: Cluster, system: System) -> PodView | None:
    """Return the pod of the victim's name as it is now."""
    pods = observe_pods(cluster, system.namespace, system.service(outage.service).workload)
    return next((pod for pod in pods if pod.name == outage.victim.name), None)


@then("a replacement is ready within the bound")
def replaced(outages: Outages, system: System) -> None:
    bound = system.tolerances.replacement_seconds
    fail_on(chain.from_iterable(failover.not_replaced(outage, bound) for outage in outages))


@then("it gets its share back when it is ready again")
def share_is_back(
    outages: Outages,
    cluster: Cluster,
    system: System,
    vantages: tuple[Vantage, ...],
    evidence: Evidence,
    on_failure: Collectors,
) -> None:
    within = system.tolerances.restart_seconds + system.tolerances.recovery_seconds
    fail_on(chain.from_iterable(failover.not_replaced(outage, within) for outage in outages))
    samples_are_even(draw(cluster, system, vantages[-1:], on_failure), evidence)
