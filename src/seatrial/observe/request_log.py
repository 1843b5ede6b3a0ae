"""What the replicas themselves saw: the requests in their logs, read through the API server."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.customers import REQUEST_ID, Reply
from seatrial.observe.kube import UNREAD, observe_pods, unread
from seatrial.observe.records import PodView
from seatrial.system import RequestLog, Service, System

LIMIT_BYTES = 32 * 2**20
"""Of one replica's log that are read at once; a log that is longer is refused, for its end would be missing."""
MARGIN_SECONDS = 5
"""By which a log is read from earlier on: the node's clock may be behind ours. Ids tell which lines count."""
READ_SECONDS = 30.0
EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that a replica answered, by its log."""

    pod: str
    at: float
    """Unix seconds of the answer, on the clock of its node."""
    request_id: str
    status: int


def observe_attempts(
    cluster: Cluster,
    system: System,
    service: Service,
    log: RequestLog,
    *,
    since: float,
    answers: Collection[Reply],
) -> tuple[Attempt, ...]:
    """Return what the replicas of a service saw of the requests that customers got these answers to, in order of time.

    ``since`` is a moment before the first, in Unix seconds. A line appears a little later than its answer, so the logs
    are read until each has all answers that name its replica. Earlier ones are there then, too: a log keeps the order.
    Raises EnvironmentFault when a log cannot be read, is too long, or still lacks an answer after ``log_seconds``.
    """
    ids = {each.sent[REQUEST_ID] for each in answers}
    wanted = {(pod, each.sent[REQUEST_ID]) for each in answers if (pod := each.header(system.identity.header))}
    deadline = time.monotonic() + system.tolerances.log_seconds
    while True:
        pods = [pod for pod in observe_pods(cluster, system.namespace, service.workload) if pod.container_id]
        attempts = [each for pod in pods for each in parse_log(_read(cluster, pod, since), pod.name, log)]
        missing = sorted(wanted - {(each.pod, each.request_id) for each in attempts})
        if not missing:
            return tuple(sorted((each for each in attempts if each.request_id in ids), key=lambda each: each.at))
        if time.monotonic() > deadline:
            pod, request_id = missing[0]
            raise EnvironmentFault(
                f"the log of {system.namespace}/{pod} has no line for request {request_id}, which it answered "
                f"({len(missing)} such lines are missing after {system.tolerances.log_seconds:g} s)",
                remedy="compare what it writes with request_log in system.yaml; the gateway must pass X-Request-Id on",
            )
        threading.Event().wait(EVERY_SECONDS)


def parse_log(text: str, pod: str, log: RequestLog) -> Iterator[Attempt]:
    """Yield the requests that a log tells of; any other line, for instance one that is no JSON, is passed over."""
    for line in text.splitlines():
        try:
            told = json.loads(line)
            request_id, status, at = told[log.id_field], told[log.status_field], _seconds(told[log.time_field])
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(request_id, str) and isinstance(status, int):
            yield Attempt(pod, at, request_id, status)


def _seconds(moment: object) -> float:
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).timestamp()
    if isinstance(moment, int | float):
        return float(moment)
    raise TypeError(moment)


def _read(cluster: Cluster, pod: PodView, since: float) -> str:
    """Return the log of a replica's application since a moment."""
    back = max(1, math.ceil(time.time() - since) + MARGIN_SECONDS)
    try:
        answer = cluster.core.read_namespaced_pod_log(
            pod.name,
            pod.namespace,
            container=pod.container,
            since_seconds=back,
            limit_bytes=LIMIT_BYTES,
            _preload_content=False,  # the client library takes every log for UTF-8
            _request_timeout=READ_SECONDS,
        )
        content = bytes(answer.data)  # type: ignore[attr-defined]
    except UNREAD as error:
        raise unread(f"the log of {pod.namespace}/{pod.name} (container {pod.container})", error) from error
    if len(content) >= LIMIT_BYTES:
        raise EnvironmentFault(
            f"the log of {pod.namespace}/{pod.name} has more than {LIMIT_BYTES:,} bytes of the last {back} s",
            remedy="have its replicas write less, for instance no debug lines",
        )
    return content.decode(errors="replace")
