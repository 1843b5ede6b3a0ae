"""Replicas that are asked in plain text by somebody who is not in the mesh: the API server, by its pod proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.agent import PORT
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_endpoints
from seatrial.system import System

ANSWER_SECONDS = 10.0
KEPT = 2
"""Connections to one port of a pod that the API server keeps, at most (Go's net/http). A proxy may answer what comes by
them as it was told when they were made, and closes them then: they are used up before the request that counts."""


@dataclass(frozen=True, slots=True)
class Spared:
    """A port of every replica that a mesh leaves alone: one of the trial's own."""

    port: int
    path: str
    """Is answered with HTTP 200."""


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """What came of asking one port of one replica."""

    service: str
    """Name of the Service object whose endpoint it is."""
    pod: str
    address: str
    port: int
    path: str
    status: int = 0
    """HTTP status of the answer; 0 when nothing in the pod answered."""
    served_by: str = ""
    """The replica that the answer names."""
    body: str = ""
    unreached: str = ""
    """Why nothing in the pod answered, in the API server's words; empty when something did."""
    lost: str = ""
    """What came by the same way, instead of HTTP 200, from the port that a mesh leaves alone; empty when it came."""


def spared_port(system: System) -> Spared | None:
    """Return the port by which the way to a replica is tried; None where the system has no such port."""
    if system.vantage_beside:
        return Spared(PORT, "/healthz")
    return Spared(system.faults.port, system.faults.path) if system.faults else None


def ask_in_plain_text(cluster: Cluster, system: System, spared: Spared) -> tuple[PlainAnswer, ...]:
    """Ask every ready replica of every service, and of its other versions, for its identity, all at the same time.

    Raises EnvironmentFault when the API server itself does not answer.
    """
    with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:

        def ask(asked: PlainAnswer) -> PlainAnswer:
            return _ask(http, system, asked, spared)

        return tuple(at_once(ask, _replicas(cluster, system)))


def _replicas(cluster: Cluster, system: System) -> Iterator[PlainAnswer]:
    """Yield each port of each ready replica, not asked yet."""
    paths = {each.service: each.identity_path for each in system.services}
    for route in system.gateway.routes if system.gateway else ():
        if route.split:  # the other version of a service answers as the service does
            paths[route.split.service] = system.service(route.service).identity_path
    for service, path in paths.items():
        for each in observe_endpoints(cluster, system.namespace, service):
            if each.ready:
                yield from (PlainAnswer(service, each.pod, each.address, port, path) for port in each.ports)


def _ask(http: httpx.Client, system: System, asked: PlainAnswer, spared: Spared) -> PlainAnswer:
    control = _get(http, system.namespace, asked.pod, spared.port, spared.path)
    lost = "" if control and control.status_code == 200 else _told(control)
    answer = [_get(http, system.namespace, asked.pod, asked.port, asked.path) for _ in range(KEPT + 1)][-1]
    if answer is None:
        return replace(asked, unreached=_told(answer), lost=lost)
    served_by = answer.headers.get(system.identity.header, "")
    words = "" if served_by else _words(answer)
    if words:
        return replace(asked, unreached=words, lost=lost)
    return replace(asked, status=answer.status_code, served_by=served_by, body=answer.text[:200], lost=lost)


def _get(http: httpx.Client, namespace: str, pod: str, port: int, path: str) -> httpx.Response | None:
    """Return the answer to GET through the API server; None when it did not come in time."""
    try:
        return http.get(f"/api/v1/namespaces/{namespace}/pods/http:{pod}:{port}/proxy{path}")
    except httpx.TimeoutException:
        return None
    except httpx.HTTPError as error:
        told = str(error) or type(error).__name__
        raise EnvironmentFault(f"the API server does not say what {namespace}/{pod} answers: {told}") from error


def _told(answer: httpx.Response | None) -> str:
    if answer is None:
        return f"no answer in {ANSWER_SECONDS:g} s"
    return _words(answer) or f"HTTP {answer.status_code}: {' '.join(answer.text.split())[:200]}"


def _words(answer: httpx.Response) -> str:
    """Return what the API server itself says instead of handing an answer on: a Status; empty when it hands one on."""
    try:
        told: Any = answer.json()
    except ValueError:
        return ""
    is_status = isinstance(told, dict) and (told.get("kind"), told.get("apiVersion")) == ("Status", "v1")
    return f"HTTP {answer.status_code}: {told.get('message', 'no reason given')}" if is_status else ""
