"""The first action of every experiment, and the last."""

from __future__ import annotations

from chaoslib.exceptions import ActivityFailed

from seatrial.chaos.heal import heal
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.guard import require_owned


def guard_cluster() -> bool:
    """Refuse to go on unless the cluster may be harmed; the first action of every method."""
    require_owned(cluster_here())
    return True


def heal_system() -> bool:
    """Put back whatever faults left behind, as far as the credentials go; the last rollback of every experiment."""
    failed = heal(cluster_here(), system_here()).failed
    if failed:
        raise ActivityFailed("; ".join(map(str, failed)))
    return True
