"""The control of every experiment: bounds the run, refuses a foreign cluster, dates each activity, judges each effect.

Chaos Toolkit calls these functions by their names, and passes over whatever they raise but InterruptExecution. By
``chaos run`` alone an experiment has no runner that would give it limits: it is held to those of its own file here.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.hypothesis import within_tolerance

from seatrial.chaos.extension import NAME, Extension
from seatrial.chaos.limits import LIMITS, limits_of
from seatrial.chaos.surroundings import LOOK_ONCE, TIMELINE, TIMELINE_FILE, cluster_here
from seatrial.cluster.guard import require_owned
from seatrial.errors import SeaTrialError

LEDGER_PREFIX = "seatrial-ledger-"


def extension_of(experiment: dict[str, Any]) -> Extension | None:
    """Return what an experiment says it may do; None when it says nothing, or nothing that can be read."""
    for each in experiment.get("extensions") or ():
        if isinstance(each, dict) and each.get("name") == NAME:
            try:
                return Extension.model_validate_json(json.dumps(each))
            except ValueError:
                return None
    return None


def before_experiment_control(context: dict[str, Any]) -> None:
    """Hold an experiment that runs alone to the limits of its file."""
    extension = extension_of(context)
    if extension and not os.environ.get(LIMITS):
        handle, ledger = tempfile.mkstemp(prefix=LEDGER_PREFIX)
        os.close(handle)
        os.environ[LIMITS] = limits_of(extension, time.time(), Path(ledger)).model_dump_json()


def after_experiment_control(context: dict[str, Any]) -> None:
    """Remove the ledger that was made for an experiment that ran alone."""
    ledger = json.loads(os.environ.get(LIMITS) or "{}").get("ledger")
    if ledger and Path(ledger).name.startswith(LEDGER_PREFIX):
        Path(ledger).unlink(missing_ok=True)


def before_method_control(context: dict[str, Any]) -> None:
    """Refuse to begin the method on a cluster that may not be harmed; the steady state is looked at once meanwhile."""
    try:
        require_owned(cluster_here())
    except SeaTrialError as error:
        raise InterruptExecution(str(error)) from error
    except Exception as error:  # fail closed, whatever the reason
        raise InterruptExecution(f"whether this cluster may be harmed cannot be told: {error!r}") from error
    os.environ[LOOK_ONCE] = "1"


def after_method_control(context: dict[str, Any]) -> None:
    """Let the steady state be waited for again."""
    os.environ.pop(LOOK_ONCE, None)


def before_activity_control(context: dict[str, Any]) -> None:
    """Date the beginning of an activity."""
    _note(context, "start", time.time())


def after_activity_control(
    context: dict[str, Any],
    state: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
    secrets: dict[str, Any] | None = None,
) -> None:
    """Date its end, and compare what a probe of the method saw with its tolerance, which Chaos Toolkit does not."""
    run = state or {}
    if "tolerance" in context and run.get("status") == "succeeded":
        met = within_tolerance(context["tolerance"], run["output"], configuration, secrets)
        run["tolerance_met"] = bool(met)
    _note(context, "end", time.time(), status=run.get("status", "aborted"))


def _note(activity: dict[str, Any], event: str, at: float, **more: str) -> None:
    folder = os.environ.get(TIMELINE)
    if folder:
        line = {"at": at, "event": event, "type": activity.get("type"), "name": activity.get("name"), **more}
        with (Path(folder) / TIMELINE_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")
