"""Builders of what was seen around a fault to replica leads-a of three; all times are seconds from the fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf

from seatrial.observe.records import Changes, EndpointChange, Outage, PodChange, Request, Traffic

from .traffic import URL, answer, error, pod, pods

FAULT_AT = 1000.0
STEP = 0.5
"""Time between two requests; the replicas answer in turn."""
VICTIM = "leads-a"


def flow(
    *,
    since: float = -3.0,
    until: float = 20.0,
    victim_until: float = -0.5,
    victim_back: float = inf,
    lost: Mapping[float, str] | None = None,
) -> Traffic:
    """Return a steady flow: leads-a answers its third before ``victim_until`` and from ``victim_back`` on.

    ``lost`` names the requests that fail, by their time, and their error.
    """
    return Traffic("node-x", URL, True, tuple(_requests(since, until, victim_until, victim_back, lost or {})))


def _requests(
    since: float, until: float, victim_until: float, victim_back: float, lost: Mapping[float, str]
) -> Iterable[Request]:
    for turn in range(int((until - since) / STEP) + 1):
        seconds = since + turn * STEP
        is_out = victim_until < seconds < victim_back
        by = f"leads-{'bbc'[turn % 3] if is_out else 'abc'[turn % 3]}"
        at = FAULT_AT + seconds
        yield error(lost[seconds], at=at) if seconds in lost else answer(by, at=at)


def went(seconds: float, of: str = VICTIM, service: str = "leads") -> EndpointChange:
    """Return an endpoint that is no longer ready, or gone."""
    return EndpointChange(FAULT_AT + seconds, service, of, False)


def came(seconds: float, of: str = VICTIM, service: str = "leads") -> EndpointChange:
    """Return an endpoint that is ready."""
    return EndpointChange(FAULT_AT + seconds, service, of, True)


def turned(seconds: float, *, ready: bool, restarts: int = 0, gone: bool = False) -> PodChange:
    """Return the victim's pod after a change."""
    return PodChange(FAULT_AT + seconds, VICTIM, "uid-a", ready, restarts, gone)


AT_START = tuple(came(-4.0, f"leads-{letter}") for letter in "abc")
"""What the watch of endpoints lists first."""


def outage(
    *,
    kind: str = "is not ready",
    proof: str = "its log says so",
    traffic: Traffic | None = None,
    endpoints: Iterable[EndpointChange] = (),
    seen_pods: Iterable[PodChange] = (),
) -> Outage:
    """Return an outage of leads-a; without more, nothing follows the fault but that the victim answers no more."""
    changes = Changes((turned(-4.0, ready=True), *seen_pods), (*AT_START, *endpoints))
    flowed = flow() if traffic is None else traffic
    return Outage("leads", "leads", kind, pod("a"), FAULT_AT, proof, flowed, changes, pods("abc"))


def withdrawn(traffic: Traffic | None = None) -> Outage:
    """Return an outage whose victim is withdrawn 1.5 s after the fault, and is back after 12 s."""
    return outage(
        traffic=traffic or flow(victim_until=1.5, victim_back=12.5),
        endpoints=(went(1.5), came(12.0)),
        seen_pods=(turned(1.2, ready=False), turned(11.8, ready=True)),
    )


NOTHING = replace(outage(traffic=Traffic("node-x", URL, True, ())), changes=Changes((), ()), replicas=())
"""An outage of which nothing was seen: no request, no change, no replica."""
