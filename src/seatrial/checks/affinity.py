"""Do clients stick to a replica, and only where they should?"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log

from seatrial.errors import Failure
from seatrial.observe.records import ServiceView, Traffic


def requests_to_tell(replicas: int, alpha: float) -> int:
    """Return how many requests of one client tell sticking from balancing: an even balancer hits one replica only
    with probability k·(1/k)^n."""
    return ceil(1 + log(1 / alpha) / log(replicas))


def not_sticking(service: str, view: ServiceView | None, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when a client of a Service with affinity meets more than one replica."""
    answers = traffic.answers()
    asked = view.session_affinity if view else "no such Service"
    if len(answers) != 1 or traffic.failed:
        yield Failure(
            f"{service}: the client on {traffic.node} does not stick to one replica",
            f"{traffic.count} answers of one replica (sessionAffinity ClientIP)",
            f"{', '.join(f'{name} {hits}' for name, hits in sorted(answers.items())) or 'none'};"
            f" {len(traffic.failed)} failed; sessionAffinity {asked}",
        )


def sticking(service: str, view: ServiceView | None, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when a client of a Service without affinity meets one replica only."""
    answers = traffic.answers()
    asked = view.session_affinity if view else "no such Service"
    if len(answers) < 2:
        yield Failure(
            f"{service}: the client on {traffic.node} sticks to one replica although nobody asked for it",
            "several replicas over fresh connections (sessionAffinity None)",
            f"{', '.join(answers) or 'no answer'} for all of {traffic.count} requests; sessionAffinity {asked}",
            hint="session affinity was switched on, or one replica alone is in the endpoints",
        )


def not_kept(service: str, traffic: Traffic) -> Iterator[Failure]:
    """Yield a failure when the requests of one kept connection are answered by more than one replica."""
    answers = traffic.answers()
    if len(answers) != 1 or traffic.failed:
        yield Failure(
            f"{service}: a kept connection from {traffic.node} does not stay with its replica",
            f"{traffic.count} answers of one replica: connections are balanced, not requests",
            f"{', '.join(f'{name} {hits}' for name, hits in sorted(answers.items())) or 'none'};"
            f" {len(traffic.failed)} failed",
            hint="connections are cut, or something between balances requests",
        )
