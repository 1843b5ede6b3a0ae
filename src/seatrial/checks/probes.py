"""Are the health checks there that failover needs?"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.errors import Failure
from seatrial.observe.records import Probe, Workload
from seatrial.system import Service
from seatrial.tolerances import Tolerances

PURPOSE = {
    "readiness": "traffic goes to replicas that cannot serve",
    "liveness": "a replica that hangs is never restarted",
    "startup": "a slow start is taken for a hang",
}


def missing_probes(service: Service, address: str, workload: Workload, tolerances: Tolerances) -> Iterator[Failure]:
    """Yield each health check that is missing, asks something else than declared, or is too slow for its bound."""
    for kind, consequence in PURPOSE.items():
        probe, path = workload.probe(kind), getattr(service.probes, kind)
        subject = f"{service.name} (Deployment {address}): its {kind} probe"
        if probe is None:
            yield Failure(f"{subject} is missing", f"GET {path}", "none", hint=consequence)
        elif probe.path != path:
            asked = f"GET {probe.path}" if probe.path else "not an HTTP check"
            yield Failure(f"{subject} asks something else", f"GET {path}", asked, hint=consequence)
        else:
            yield from _too_slow(subject, probe, tolerances)


def _too_slow(subject: str, probe: Probe, tolerances: Tolerances) -> Iterator[Failure]:
    bounds = {"readiness": tolerances.withdrawal_seconds, "liveness": tolerances.restart_seconds}
    bound = bounds.get(probe.kind)
    if bound is not None and probe.detection_seconds > bound:
        yield Failure(
            f"{subject} is too slow for its bound",
            f"detection within {bound:g} s",
            f"{probe.failures} failures, one every {probe.period_seconds} s, the last after {probe.timeout_seconds} s:"
            f" up to {probe.detection_seconds} s",
        )
