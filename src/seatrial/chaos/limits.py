"""What an experiment may do, asked again before each destructive call."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import GuardRefusal
from seatrial.observe.records import PodView
from seatrial.system import System

LIMITS = "SEATRIAL_LIMITS"
DEFAULTS = {"pods": 4, "nodes": 1}


@dataclass(frozen=True)
class Harm:
    """Whom one destructive call hits."""

    pods: tuple[PodView, ...] = ()
    nodes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


def permit(cluster: Cluster, system: System, harm: Harm) -> None:
    """Raise GuardRefusal unless the cluster may be harmed, and so much at once."""
    require_owned(cluster)
    given: dict[str, Any] = DEFAULTS | json.loads(os.environ.get(LIMITS) or "{}")
    for what, hit in (("pods", len(harm.pods)), ("nodes", len(harm.nodes))):
        if hit > given[what]:
            raise GuardRefusal(f"{hit} {what} would be hit, and the experiment allows {given[what]}")
