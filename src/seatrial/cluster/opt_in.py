"""How a person opts a cluster in that this project did not create: by its description, a label, and the typed name."""

from __future__ import annotations

import os
from dataclasses import dataclass

from seatrial.system import System

TYPED = "SEATRIAL_ALLOW_CLUSTER"
"""Variable that hands the typed name to child processes."""
LABEL = "seatrial.dev/chaos"
ALLOWED = "allowed"
"""Value of that label on a namespace whose owner agrees to faults there."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """What was said beforehand; the labels of the namespaces are asked of the cluster itself, each time."""

    contexts: tuple[str, ...]
    """Contexts that ``allow_clusters`` of the system's description names."""
    namespace: str
    """Namespace of the system under test, which must bear the label."""
    typed: str
    """Name of the context as a person typed it for this run; empty when nobody did."""


def opt_in(system: System, typed: str = "") -> OptIn:
    """Return what was said for a system; the name is taken from the environment when it was not typed here."""
    return OptIn(system.allow_clusters, system.namespace, typed or os.environ.get(TYPED, ""))
