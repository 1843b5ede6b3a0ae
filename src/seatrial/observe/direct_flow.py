"""Steady requests from every node by the direct way: where there is a mesh, it tries none of them again."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.observe.flow import LONGEST_SECONDS, Sending
from seatrial.observe.target import direct_target
from seatrial.observe.vantage import Run, Vantage
from seatrial.system import Service, System

CONNECTIONS = 3
"""Kept connections of one agent to one service: so few that each carries a request at least once a second, and is told
in time that a replica ends; so many that every replica has some."""


def direct_flow(
    system: System, services: Sequence[Service], vantages: Sequence[Vantage], *, rate_per_second: float, fresh: bool
) -> Sending:
    """Return what sends so many requests a second to each service while it is entered, each node its part of them."""

    def begin(service: Service, vantage: Vantage) -> Run:
        return vantage.start(
            direct_target(system, service).url,
            rate_per_second=rate_per_second / len(vantages),
            duration_seconds=LONGEST_SECONDS,
            connections=0 if fresh else CONNECTIONS,
            fresh=fresh,
            identity_header=system.identity.header,
            timeout_seconds=system.tolerances.request_timeout_seconds,
        )

    return Sending(services, vantages, begin)
