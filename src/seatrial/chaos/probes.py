"""Probes of the experiments' steady state."""

from __future__ import annotations

import os
import time

from seatrial.chaos.shortfalls import shortfalls
from seatrial.chaos.surroundings import LOOK_ONCE, cluster_here, system_here
from seatrial.cluster.client import Cluster
from seatrial.system import System

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to those who heal."""


def system_is_whole(within_seconds: float = 0.0) -> bool:
    """Tell whether every service has all its replicas available and published, waiting so long for it.

    While the method runs it is looked at once: whoever waited then would hide that it was lost.
    """
    cluster, system = cluster_here(), system_here()
    deadline = time.monotonic() + (0.0 if os.environ.get(LOOK_ONCE) else within_seconds)
    while not is_whole(cluster, system):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_whole(cluster: Cluster, system: System) -> bool:
    """Tell whether every service has all its replicas available and published at this moment."""
    return not shortfalls(cluster, system)
