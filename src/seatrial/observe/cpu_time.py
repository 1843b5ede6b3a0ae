"""How much CPU replicas really use, by the counters of their kubelets: not by the metrics that autoscalers ask."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import PodView

POLL_SECONDS = 2.0
FRESH_SECONDS = 60.0
"""In which a kubelet reads all its counters anew (about every 10 s)."""

Key = tuple[str, str]
"""Pod and container."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A container's counter, read at a moment on the clock of its node."""

    at: float
    seconds: float


def measure_cores(cluster: Cluster, pods: Iterable[PodView], *, for_seconds: float) -> float:
    """Return how many cores these pods use all together from now on, over at least so many seconds.

    Raises EnvironmentFault when a kubelet does not tell, or stops telling.
    """
    replicas = tuple(pods)
    now = observe_cpu_time(cluster, replicas)
    first = _newer(cluster, replicas, {key: each.at for key, each in now.items()}, FRESH_SECONDS)
    ends = {key: each.at + for_seconds for key, each in first.items()}
    last = _newer(cluster, replicas, ends, for_seconds + FRESH_SECONDS)
    return sum((last[key].seconds - first[key].seconds) / (last[key].at - first[key].at) for key in first)


def observe_cpu_time(cluster: Cluster, pods: Iterable[PodView]) -> Mapping[Key, Sample]:
    """Return the counters of all containers of these pods."""
    wanted = {(pod.namespace, pod.name): pod.node for pod in pods}
    found: dict[tuple[str, str, str], Sample] = {}
    with cluster.http() as http:
        for node in sorted(set(wanted.values())):
            found.update(_of_node(http, node, wanted))
    missing = wanted.keys() - {(namespace, pod) for namespace, pod, _ in found}
    if missing:
        names = ", ".join(sorted(pod for _, pod in missing))
        raise EnvironmentFault(f"the kubelets do not tell how much CPU is used by {names}")
    return {(pod, container): sample for (_, pod, container), sample in found.items()}


def _of_node(
    http: httpx.Client, node: str, wanted: Mapping[tuple[str, str], str]
) -> Iterator[tuple[tuple[str, str, str], Sample]]:
    try:
        answer = http.get(f"/api/v1/nodes/{node}/proxy/stats/summary")
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"the kubelet of {node} does not tell how much CPU is used: {error}") from error
    for pod in answer.json()["pods"]:
        name = (pod["podRef"]["namespace"], pod["podRef"]["name"])
        for container in pod.get("containers", ()) if name in wanted else ():
            cpu: Mapping[str, Any] = container.get("cpu") or {}
            if "usageCoreNanoSeconds" in cpu:
                at = datetime.fromisoformat(cpu["time"]).timestamp()
                yield (*name, container["name"]), Sample(at, cpu["usageCoreNanoSeconds"] / 1e9)


def _newer(
    cluster: Cluster, pods: tuple[PodView, ...], than: Mapping[Key, float], within_seconds: float
) -> Mapping[Key, Sample]:
    """Return counters that were each read later than so."""
    deadline = time.monotonic() + within_seconds
    while True:
        samples = observe_cpu_time(cluster, pods)
        if all(key in samples and samples[key].at > at for key, at in than.items()):
            return samples
        if time.monotonic() > deadline:
            raise EnvironmentFault(f"the kubelets read no new counters of CPU in {within_seconds:g} s")
        time.sleep(POLL_SECONDS)
