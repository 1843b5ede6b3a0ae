"""What an experiment needs to know about where it runs, handed to its process by environment variables."""

from __future__ import annotations

import os
import time
from pathlib import Path

from seatrial.chaos.extension import Extension
from seatrial.chaos.limits import LIMITS, limits_of
from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import kubectl
from seatrial.cluster.opt_in import TYPED, opt_in
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.system import System
from seatrial.system_file import load_system

KUBECONFIG = "SEATRIAL_KUBECONFIG"
KUBECTL = "SEATRIAL_KUBECTL"
CONTEXT = "SEATRIAL_CONTEXT"
SYSTEM = "SEATRIAL_SYSTEM"
NAMESPACE = "SEATRIAL_NAMESPACE"
TARGETS = "SEATRIAL_TARGETS"
NODE = "SEATRIAL_NODE"
SERVICE = "SEATRIAL_SERVICE"
CALLER = "SEATRIAL_CALLER"
UNDO = "SEATRIAL_UNDO"
TIMELINE = "SEATRIAL_TIMELINE"
LOOK_ONCE = "SEATRIAL_LOOK_ONCE"
"""Set by the control while the method runs."""
LEDGER_FILE, UNDO_FILE, TIMELINE_FILE = "ledger.jsonl", "undo.jsonl", "timeline.jsonl"


def surroundings(
    cluster: Cluster, system: System, system_file: Path, targets: str, *, node: str = "", service: str = ""
) -> dict[str, str]:
    """Return the variables for one experiment; ``targets`` is a regular expression over pod names."""
    given = {
        KUBECONFIG: str(cluster.kubeconfig),
        KUBECTL: str(cluster.kubectl_path),
        SYSTEM: str(system_file),
        NAMESPACE: system.namespace,
        TARGETS: targets,
        NODE: node,
        SERVICE: service,
        # chaosk8s knows these two, and would take the ambient cluster without them
        "KUBECONFIG": str(cluster.kubeconfig),
    }
    if cluster.opt_in and cluster.opt_in.typed:
        given[TYPED] = cluster.opt_in.typed
    return given | ({CONTEXT: cluster.context, "KUBERNETES_CONTEXT": cluster.context} if cluster.context else {})


def bounded(extension: Extension, folder: Path) -> dict[str, str]:
    """Return the variables that bound a run which begins now, and say where its records go; they begin anew."""
    for name in (LEDGER_FILE, TIMELINE_FILE):
        (folder / name).unlink(missing_ok=True)
    limits = limits_of(extension, time.time(), folder / LEDGER_FILE)
    return {LIMITS: limits.model_dump_json(), UNDO: str(undo_log(folder)), TIMELINE: str(folder)}


def undo_log(folder: Path) -> Path:
    """Return the undo log of the run whose records go to a folder: whole, for processes are found by this name."""
    return folder.resolve() / UNDO_FILE


def cluster_here() -> Cluster:
    """Return the cluster that the environment names; raises UsageError when it names none."""
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        raise UsageError(f"{KUBECONFIG} is not set", remedy="set it to the kubeconfig that 'seatrial up' prints")
    program = Path(os.environ.get(KUBECTL) or kubectl())
    # nobody typed a name: then no description could opt the cluster in, and need not be read
    said = opt_in(system_here()) if os.environ.get(TYPED) else None
    return Cluster(Path(kubeconfig), program, os.environ.get(CONTEXT), said)


def system_here() -> System:
    """Return the system that the environment names, else that of the checkout."""
    return load_system(Path(os.environ.get(SYSTEM) or ROOT / "system.yaml"))
