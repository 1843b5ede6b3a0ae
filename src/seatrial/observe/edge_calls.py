"""One declared call between two services, made over and over as its caller makes it."""

from __future__ import annotations

import time

from seatrial.cluster.client import Cluster
from seatrial.observe.calls import call_service, log_in
from seatrial.observe.flow import at_once
from seatrial.observe.records import Request
from seatrial.observe.vantage import Vantage, vantages, vantages_beside
from seatrial.system import Edge, System


def edge_of(system: System, caller: str = "", callee: str = "") -> Edge | None:
    """Return the first declared call of this caller to this callee, either of which may be left open; None: no such."""
    fitting = (each for each in system.edges if caller in ("", each.caller) and callee in ("", each.callee))
    return next(fitting, None)


def call_along(cluster: Cluster, system: System, edge: Edge, count: int) -> tuple[Request, ...]:
    """Make about so many calls of the caller to the callee, each by a new connection, and return what became of them.

    The agents beside the caller's replicas make them, from the same addresses; where none stand there, the caller is
    asked from a node for the request that makes it call, which takes longer.
    """
    if system.vantage_beside:
        agents = vantages_beside(cluster, system.namespace, system.service(edge.caller).workload)
        runs = at_once(lambda agent: _calls_beside(agent, system, edge, -(-count // len(agents))), agents)
        return tuple(request for run in runs for request in run)
    vantage = vantages(cluster, system.namespace)[0]
    token = log_in(vantage, system) if edge.request.login else ""
    return tuple(_call_from_outside(vantage, system, edge, token) for _ in range(count))


def _calls_beside(agent: Vantage, system: System, edge: Edge, count: int) -> tuple[Request, ...]:
    url = system.url(system.service(edge.callee))
    return agent.requests(
        url, count=count, concurrency=4, timeout_seconds=system.tolerances.request_timeout_seconds
    ).requests


def _call_from_outside(vantage: Vantage, system: System, edge: Edge, token: str) -> Request:
    began = time.time()
    answer = call_service(vantage, system, system.service(edge.caller), edge.request, token)
    return Request(began, began, time.time(), answer.status, "", answer.error)
