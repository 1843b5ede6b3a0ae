"""Probes of the experiments' steady state."""

from __future__ import annotations

import os
from collections.abc import Callable

from seatrial.chaos.shortfalls import shortfall, shortfalls
from seatrial.chaos.surroundings import LOOK_ONCE, cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.system import Service, System
from seatrial.waiting import looks

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to those who heal."""


def system_is_whole(within_seconds: float = 0.0) -> bool:
    """Tell whether every service has all its replicas available and published, waiting so long for it.

    While the method runs it is looked at once: whoever waited then would hide that it was lost.
    """
    cluster, system = cluster_here(), system_here()
    return comes_true(lambda: is_whole(cluster, system), 0.0 if os.environ.get(LOOK_ONCE) else within_seconds)


def comes_true(look: Callable[[], bool], within_seconds: float) -> bool:
    """Tell whether something is the case, or comes to be within the bound; the first look is at once."""
    return any(look() for _ in looks(within_seconds, POLL_SECONDS))


def is_whole(cluster: Cluster, system: System) -> bool:
    """Tell whether every service has all its replicas available and published at this moment."""
    return not shortfalls(cluster, system)


def is_service_whole(cluster: Cluster, system: System, service: Service) -> bool:
    """Tell whether one service has all its replicas available and published at this moment."""
    return not shortfall(cluster, system, service)
