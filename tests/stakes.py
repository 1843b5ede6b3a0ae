"""Replicas and what is at stake, as the tests of the limits need them."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.chaos.ground import Ground
from seatrial.observe.records import PodView


def pod(name: str, *, namespace: str = "shop", node: str = "worker", restarts: int = 0, ready: bool = True) -> PodView:
    return PodView(
        namespace=namespace,
        name=name,
        uid=f"uid of {name}",
        ip="10.0.0.1",
        node=node,
        phase="Running",
        ready=ready,
        terminating=False,
        restarts=restarts,
        container="app",
        container_id="abc",
        created=0.0,
        ready_since=0.0,
    )


def ground(ready: Mapping[str, str], *, on_node: Mapping[str, str] | None = None, control_plane: str = "") -> Ground:
    """Return what is at stake, from names of pods with blanks between them."""
    names = {f"Deployment shop/{workload}": names.split() for workload, names in ready.items()}
    return Ground(
        ready={workload: _uids(pods) for workload, pods in names.items()},
        owners={uid: workload for workload, pods in names.items() for uid in _uids(pods)},
        on_node={node: _uids(pods.split()) for node, pods in (on_node or {}).items()},
        control_plane=frozenset(control_plane.split()),
    )


def _uids(names: list[str]) -> frozenset[str]:
    return frozenset(f"uid of {name}" for name in names)
