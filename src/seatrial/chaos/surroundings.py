"""What an experiment needs to know about where it runs, handed to its process by environment variables."""

from __future__ import annotations

import os
from pathlib import Path

from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import kubectl
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
    return given | ({CONTEXT: cluster.context, "KUBERNETES_CONTEXT": cluster.context} if cluster.context else {})


def cluster_here() -> Cluster:
    """Return the cluster that the environment names; raises UsageError when it names none."""
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        raise UsageError(f"{KUBECONFIG} is not set", remedy="set it to the kubeconfig that 'seatrial up' prints")
    return Cluster(Path(kubeconfig), Path(os.environ.get(KUBECTL) or kubectl()), os.environ.get(CONTEXT))


def system_here() -> System:
    """Return the system that the environment names, else that of the checkout."""
    return load_system(Path(os.environ.get(SYSTEM) or ROOT / "system.yaml"))
