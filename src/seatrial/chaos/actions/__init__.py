"""Actions of the experiments: what chaosk8s does not do, or not in a way that can be proven.

Each finds who is to suffer, raises ActivityFailed in one line when that is nobody, asks for leave (``limits.permit``),
notes what puts it back (``undo.record``), does the harm, and returns whom it hit, and when (Unix seconds).
"""

from __future__ import annotations

from seatrial.chaos.actions.guard import guard_cluster, heal_system
from seatrial.chaos.actions.pods import crash_replicas, stop_replicas

__all__ = ["crash_replicas", "guard_cluster", "heal_system", "stop_replicas"]
