"""Probes of the experiments: whether the system is in its steady state, and whether a fault really happened.

What proves a fault is asked of whoever knows it by itself (the kubelet, the kernel, the replica, the packet counters),
never of the action that did it.
"""

from __future__ import annotations

from seatrial.chaos.probes.steady import is_whole, system_is_whole

__all__ = ["is_whole", "system_is_whole"]
