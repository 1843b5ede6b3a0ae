"""Actions of the experiments: what chaosk8s does not do, or not in a way that can be proven."""

from seatrial.chaos.actions.pods import crash_replicas, guard_cluster, heal_system, stop_replicas

__all__ = ["crash_replicas", "guard_cluster", "heal_system", "stop_replicas"]
