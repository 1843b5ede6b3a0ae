"""Which bound is judged at which moment of a fault's timeline, as the scenarios of AC03 judge it."""

from __future__ import annotations

from collections.abc import Mapping

Fields = tuple[str, ...]
"""Fields of the tolerances, in seconds since the fault, to be added up."""
Bounds = Mapping[str, Fields]
"""Moment of a timeline to its bound."""

NEVER: Fields = ()
"""Of a moment that must not come at all."""
MUST_COME = ("restarted", "full")
"""Moments that fail their bound also when they do not come; without an error or an answer there is nothing late."""

NO_ERROR: Bounds = {"last_error": NEVER}
NO_RESTART: Bounds = {"restarted": NEVER}
AVOIDED: Bounds = {"last_answer": ("withdrawal_seconds",)}
HANG_AVOIDED: Bounds = dict.fromkeys(("last_answer", "last_error"), ("hang_withdrawal_seconds",))
CRASH_ENDS: Bounds = {"last_error": ("crash_error_seconds",)}
NODE_LOSS_ENDS: Bounds = {"last_error": ("node_loss_seconds",)}
RESTARTED: Bounds = {"restarted": ("restart_seconds",)}
REPLACED: Bounds = {"full": ("replacement_seconds",)}
SHARE_BACK: Bounds = {"full": ("restart_seconds", "recovery_seconds")}
NODE_REPLACED: Bounds = {"full": ("node_loss_seconds", "recovery_seconds")}

UNREADY: Bounds = {**AVOIDED, **NO_ERROR, **NO_RESTART, **SHARE_BACK}
"""Of a replica that is not ready, whether a switch or an experiment did it."""
HUNG: Bounds = {**HANG_AVOIDED, **RESTARTED, **SHARE_BACK}
"""Of one that hangs, or whose process is stopped."""

BOUNDS: Mapping[str, Bounds] = {
    "is not ready": UNREADY,
    "hangs": HUNG,
    "process-crash": {**CRASH_ENDS, **RESTARTED},
    "process-stop": HUNG,
    "memory-oom": RESTARTED,
    "gateway-kill": CRASH_ENDS,
    "pod-kill": {**NO_ERROR, **REPLACED},
    "pod-delete": {**NO_ERROR, **REPLACED},
    "half-kill": {**NO_ERROR, **REPLACED},
    "total-loss": REPLACED,
    "not-ready": UNREADY,
    "slow-replica": NO_ERROR,
    "cpu-stress": NO_ERROR,
    "node-drain": {**NO_ERROR, **NODE_REPLACED},
    "node-cordon": {**NO_ERROR, **NODE_REPLACED},
    "kubelet-stop": {**NO_ERROR, **NODE_REPLACED},
    "node-pause": {**NODE_LOSS_ENDS, **NODE_REPLACED},
    "node-disconnect": {**NODE_LOSS_ENDS, **NODE_REPLACED},
    "node-restart": {**NODE_LOSS_ENDS, **NODE_REPLACED},
}
"""Fault, as :func:`seatrial.checks.timeline.fault_of` names it, to its bounds; a fault that is not here has none."""
