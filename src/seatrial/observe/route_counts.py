"""What the gateway's own metrics say about its routes, summed over its replicas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_endpoints
from seatrial.route_metrics import RouteMetrics
from seatrial.system import System
from seatrial.system_gateway import Gateway
from seatrial.waiting import EVERY_SECONDS, MONOTONIC, Clock

ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class RouteCounts:
    """All replicas of the gateway at one moment."""

    replicas: frozenset[str] = frozenset()
    """Those that were read."""
    unread: tuple[str, ...] = ()
    """For each that was not: its name, and why."""
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Path of a route and class of a status (``2xx``) to the number of answers."""
    timed: Counter[str] = field(default_factory=Counter)
    """Path of a route to the number of answers in its latency histogram."""

    def of(self, path: str) -> int:
        """Return the number of answers on a route, of any class."""
        return sum(number for (route, _), number in self.answers.items() if route == path)

    @property
    def is_settled(self) -> bool:
        """Tell whether both metrics have counted the same on every route: some gateways write one later."""
        return all(self.of(path) == self.timed[path] for path in {*self.timed, *(path for path, _ in self.answers)})


def read_counts(cluster: Cluster, system: System, gateway: Gateway, metrics: RouteMetrics) -> RouteCounts:
    """Read every ready replica of the gateway, through the API server; raises EnvironmentFault when that is silent."""
    pods = [each.pod for each in observe_endpoints(cluster, system.namespace, gateway.service) if each.ready]
    found = [(pod, *_read(cluster, system.namespace, pod, metrics)) for pod in sorted(pods)]
    counted = [counts_of(text, metrics) for _, text, why in found if not why]
    return RouteCounts(
        frozenset(pod for pod, _, why in found if not why),
        tuple(f"{pod}: {why}" for pod, _, why in found if why),
        sum((answers for answers, _ in counted), Counter()),
        sum((timed for _, timed in counted), Counter()),
    )


def _read(cluster: Cluster, namespace: str, pod: str, metrics: RouteMetrics) -> tuple[str, str]:
    """Return the metrics of one replica, or nothing and why."""
    path = f"/api/v1/namespaces/{namespace}/pods/http:{pod}:{metrics.port}/proxy{metrics.path}"
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.get(path)
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"the metrics of {namespace}/{pod} cannot be read: {error!r}") from error
    if answer.status_code != 200:
        return "", f"HTTP {answer.status_code} {' '.join(answer.text.split())[:200]}"
    try:
        counts_of(answer.text, metrics)
    except ValueError as error:
        return "", f"not in the text format of Prometheus: {error}"
    return answer.text, ""


def counts_of(text: str, metrics: RouteMetrics) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Return what one replica counted: answers by route and class, and timed answers by route.

    Raises ValueError when the text is not in the format of Prometheus.
    """
    answers: Counter[tuple[str, str]] = Counter()
    timed: Counter[str] = Counter()
    counters = {metrics.requests, f"{metrics.requests}_total"}  # the parser adds what a counter's name should end with
    for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
        if sample.name in counters and metrics.status_label in sample.labels:  # without it, it is a sum of the others
            for path in _routes(sample, metrics):
                answers[path, status_class(sample.labels.get(metrics.status_label, ""))] += int(sample.value)
        elif sample.name == f"{metrics.latency}_count":
            timed.update({path: int(sample.value) for path in _routes(sample, metrics)})
    return answers, timed


def status_class(status: str) -> str:
    """Return the class of a status: ``4xx`` for ``404``, ``4xx`` and ``4``; ``?`` for what is none."""
    return f"{status[0]}xx" if re.fullmatch(r"[1-9](\d\d|xx)?", status) else "?"


def await_counts(
    read: Callable[[], RouteCounts],
    is_enough: Callable[[RouteCounts], bool],
    within_seconds: float,
    clock: Clock = MONOTONIC,
) -> RouteCounts:
    """Return what was read when it is enough, settled and the same twice; what was read last when the bound is over.

    This is no judgement: whoever gets too little will say so.
    """
    deadline, last = clock.now() + within_seconds, read()
    while clock.now() < deadline:
        clock.sleep(EVERY_SECONDS)
        now = read()
        if now == last and now.is_settled and is_enough(now):
            return now
        last = now
    return last


def _routes(sample: Sample, metrics: RouteMetrics) -> list[str]:
    """Return the paths of the routes that a sample belongs to: one, unless the declared labels fit several."""
    return [
        path
        for path, labels in metrics.routes.items()
        if all(re.fullmatch(pattern, sample.labels.get(label, "")) for label, pattern in labels.items())
    ]
