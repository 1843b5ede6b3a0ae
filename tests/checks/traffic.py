"""Builders of replicas and their answers, and how findings read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from seatrial.errors import Doubt, Failure
from seatrial.observe.records import PodView, Request, Traffic

URL = "lead-platform/leads"


def pod(letter: str) -> PodView:
    """Return the ready replica ``leads-<letter>`` on the node ``node-<letter>``."""
    return PodView(
        namespace="lead-platform",
        name=f"leads-{letter}",
        uid=f"uid-{letter}",
        ip=f"10.0.0.{ord(letter) - ord('a') + 1}",
        node=f"node-{letter}",
        phase="Running",
        ready=True,
        terminating=False,
        restarts=0,
        container="app",
        container_id="",
        created=0.0,
        ready_since=0.0,
    )


def pods(letters: str) -> tuple[PodView, ...]:
    return tuple(map(pod, letters))


def answer(by: str, *, at: float = 0.0) -> Request:
    return Request(at, at, at + 0.01, 200, by, "")


def error(kind: str, *, at: float = 0.0) -> Request:
    """Return a request that ended in an error class, or in an unsuccessful status such as ``503``."""
    if kind.isdigit():
        return Request(at, at, at + 0.01, int(kind), "", "")
    return replace(answer("", at=at), status=0, error=kind)


def traffic(hits: Mapping[str, int], errors: Mapping[str, int] | None = None, *, fresh: bool = True) -> Traffic:
    """Return so many answers of each replica, and so many failed requests of each kind."""
    good = [request for name, count in hits.items() for request in [answer(name)] * count]
    bad = [request for kind, count in (errors or {}).items() for request in [error(kind)] * count]
    return Traffic("node-x", URL, fresh, (*good, *bad))


def told(findings: Iterable[Failure | Doubt]) -> str:
    """Return findings as a person reads them, one after the other."""
    return "\n".join(map(str, findings))


def sent_late(requests: Iterable[Request], seconds: float) -> list[Request]:
    """Return the same requests, each sent and over so long after it was due."""
    return [replace(each, start=each.start + seconds, end=each.end + seconds) for each in requests]
