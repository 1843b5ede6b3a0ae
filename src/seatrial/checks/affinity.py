"""Do clients stick to a replica, and only where they should?"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log

from seatrial.errors import Failure
from seatrial.observe.records import ServiceView, Traffic


def requests_to_tell(replicas: int, alpha: float) -> int:
    """Return how many requests of one client tell sticking from balancing: an even balancer hits one replica only
    with probability k·(1/k)^n. Raises ValueError for fewer than two replicas, which no number of requests can tell."""
    if replicas < 2:
        raise ValueError(f"{replicas} replicas: sticking to one shows only among two")
    return ceil(1 + log(1 / alpha) / log(replicas))


def not_sticking(service: str, view: ServiceView | None, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when a client of a Service with affinity is not answered by one replica alone."""
    if not _by_one_alone(traffic):
        yield Failure(
            f"{service}: the client on {traffic.node} does not stick to one replica",
            "one replica answers every request (sessionAffinity ClientIP)",
            f"{_answers(traffic)}; {_affinity(view)}",
        )


def sticking(service: str, view: ServiceView | None, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when a client of a Service without affinity meets one replica only, or none."""
    met = traffic.answers()
    if len(met) < 2:
        claim = "sticks to one replica although nobody asked for it" if met else "gets no answer"
        yield Failure(
            f"{service}: the client on {traffic.node} {claim}",
            "several replicas over fresh connections (sessionAffinity None)",
            f"{_answers(traffic)}; {_affinity(view)}",
            hint="session affinity was switched on, or one replica alone is in the endpoints" if any(met) else "",
        )


def not_kept(service: str, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when the requests of one kept connection are not answered by one replica alone."""
    if not _by_one_alone(traffic):
        yield Failure(
            f"{service}: a kept connection from {traffic.node} does not stay with its replica",
            "one replica answers every request: connections are balanced, not requests",
            _answers(traffic),
            hint="connections are cut, or something between balances requests" if traffic.count else "",
        )


def _by_one_alone(traffic: Traffic) -> bool:
    """Tell whether every request was answered by one replica that gave its name."""
    met = traffic.answers()
    return len(met) == 1 and any(met) and not traffic.failed


def _answers(traffic: Traffic) -> str:
    met = sorted(traffic.answers().items())
    told = ", ".join(f"{name or '(no name given)'} {hits}" for name, hits in met) or "nobody"
    return f"{told}; {len(traffic.failed)} of {traffic.count} requests failed"


def _affinity(view: ServiceView | None) -> str:
    return f"sessionAffinity {view.session_affinity}" if view else "no such Service"
