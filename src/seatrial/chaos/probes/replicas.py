"""What proves that a replica suffered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import httpx
from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.actions.finding import matching, replicas_of
from seatrial.chaos.probes.began import began_at
from seatrial.chaos.probes.steady import comes_true
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.cluster.nodes import process_states
from seatrial.cluster.stress import used_cpu_seconds
from seatrial.observe.endings import Ending, observe_endings
from seatrial.observe.kube import observe_endpoints
from seatrial.observe.records import PodView
from seatrial.system import Service, System

ANSWER_SECONDS = 10.0
STOPPED = "T"
"""The kernel's state letter of a stopped process (proc(5))."""


def replicas_are_gone(targets: str, within_seconds: float) -> bool:
    """Tell whether every pod whose name matches was created since the experiment began: those before are gone."""
    cluster, system = cluster_here(), system_here()
    since = began_at(cluster)
    return comes_true(lambda: not _older(matching(targets, replicas_of(cluster, system)), since), within_seconds)


def containers_ended(targets: str, within_seconds: float, reason: str = "") -> bool:
    """Tell whether the container of each matching replica ended since the experiment began, for the given reason.

    The kubelet's own word: OOMKilled is what it says when the kernel's memory limit had the container killed.
    """
    cluster, system = cluster_here(), system_here()
    since = began_at(cluster)

    def look() -> bool:
        pods = matching(targets, replicas_of(cluster, system))
        return all_ended(pods, endings_of_all(cluster, system), since, reason)

    return comes_true(look, within_seconds)


def endings_of_all(cluster: Cluster, system: System) -> tuple[Ending, ...]:
    """Return how the containers of all replicas ended last, where they ended at all."""
    return tuple(end for each in system.services for end in observe_endings(cluster, system.namespace, each.workload))


def all_ended(pods: Iterable[PodView], endings: Iterable[Ending], since: float, reason: str) -> bool:
    """Tell whether each pod, and at least one, has an end since then, for the given reason if one is given."""
    ended = {each.uid for each in endings if each.at >= since and reason in ("", each.reason)}
    wanted = {pod.uid for pod in pods}
    return bool(wanted) and wanted <= ended


def processes_are_stopped(targets: str) -> bool:
    """Tell whether the kernel says of every process of each matching replica that it is stopped."""
    pods = _found(cluster_here(), system_here(), targets)
    return all(set(process_states(pod.node, pod.container_id)) == {STOPPED} for pod in pods)


def replicas_are_unready(targets: str, within_seconds: float) -> bool:
    """Tell whether each matching replica has lost its readiness."""
    cluster, system = cluster_here(), system_here()
    return comes_true(lambda: not any(pod.ready for pod in _found(cluster, system, targets)), within_seconds)


def replicas_answer(targets: str, requests: int, status: int = 0, at_least_seconds: float = 0.0) -> bool:
    """Tell whether each matching replica answers so many requests with this status (0: any), and takes so long.

    They are asked for their identity by themselves, through the API server, at the port that a mesh leaves alone where
    there is one.
    """
    cluster, system = cluster_here(), system_here()
    addresses = _addresses(cluster, system, {pod.name for pod in _found(cluster, system, targets)})
    with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
        answers = [_ask(http, address, system.identity.header) for address in addresses for _ in range(requests)]
    return are_as_told(answers, status, at_least_seconds)


def are_as_told(answers: Sequence[tuple[int, float]], status: int, at_least_seconds: float) -> bool:
    """Tell whether there are answers (status and seconds), all with this status (0: any), and none sooner than that."""
    return bool(answers) and all(
        code and status in (0, code) and seconds >= at_least_seconds for code, seconds in answers
    )


def used_cores(targets: str, for_seconds: float) -> float:
    """Return how many cores a matching replica uses, as the kernel counts it over a while; the least of several."""
    pods = _found(cluster_here(), system_here(), targets)
    before = [(time.monotonic(), used_cpu_seconds(pod.node, pod.container_id)) for pod in pods]
    time.sleep(for_seconds)
    after = [(time.monotonic(), used_cpu_seconds(pod.node, pod.container_id)) for pod in pods]
    pairs = zip(before, after, strict=True)
    return round(min((used - used_before) / (at - at_before) for (at_before, used_before), (at, used) in pairs), 3)


def _older(pods: Iterable[PodView], since: float) -> list[PodView]:
    return [pod for pod in pods if pod.created < since]


def _found(cluster: Cluster, system: System, targets: str) -> tuple[PodView, ...]:
    """Return the matching replicas, ready or not; raises ActivityFailed when there is none left to ask about."""
    found = matching(targets, replicas_of(cluster, system))
    if not found:
        raise ActivityFailed(f"no replica in {system.namespace} has a name that matches {targets!r} any more")
    return found


def _addresses(cluster: Cluster, system: System, names: set[str]) -> list[str]:
    """Return the path by which the API server asks each of these replicas for its identity."""
    return [
        f"/api/v1/namespaces/{system.namespace}/pods/http:{each.pod}:{_port(service, each.ports)}/proxy"
        f"{service.identity_path}"
        for service in system.services
        for each in observe_endpoints(cluster, system.namespace, service.service)
        if each.pod in names
    ]


def _port(service: Service, ports: tuple[int, ...]) -> int:
    return service.direct_port if service.direct else ports[0]


def _ask(http: httpx.Client, path: str, header: str) -> tuple[int, float]:
    """Return status and seconds of one answer; status 0 when the replica gave none, whatever the API server says."""
    began = time.monotonic()
    try:
        answer = http.get(path)
    except httpx.HTTPError:
        return 0, time.monotonic() - began
    return answer.status_code if header in answer.headers else 0, time.monotonic() - began
