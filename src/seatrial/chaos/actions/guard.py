"""The first action of every experiment, and the last."""

from __future__ import annotations

from seatrial.chaos.heal import heal
from seatrial.chaos.surroundings import cluster_here, system_here
from seatrial.cluster.guard import require_owned


def guard_cluster() -> bool:
    """Refuse to go on unless the cluster may be harmed; the first action of every method."""
    require_owned(cluster_here())
    return True


def heal_system() -> bool:
    """Continue what was stopped and switch off what was switched on; the last of all rollbacks."""
    heal(cluster_here(), system_here())
    return True
