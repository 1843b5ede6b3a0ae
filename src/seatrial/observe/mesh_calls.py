"""Services that ask each other: sent from beside a replica of the caller, as its own requests are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations

from seatrial.observe.flow import at_once
from seatrial.observe.vantage import Answer, Vantage
from seatrial.system import System
from seatrial.system_mesh import Mesh

CLIENT_CERT = "X-Forwarded-Client-Cert"
"""Envoy's name for the header by which a proxy tells the process beside it who asks."""
FORGED = "seatrial-forged"
"""Service account of nobody."""
USED_UP = 24
"""Requests that use up the connections of a caller's proxy: it keeps some for each replica, and each of its threads."""
Pair = tuple[str, str]
"""Caller and callee."""


@dataclass(frozen=True, slots=True)
class MeshCall:
    """One call, and its answer."""

    caller: str
    callee: str
    pod: str
    """The caller's replica beside which it was sent."""
    answer: Answer

    def told(self) -> str:
        """Say what came back, for a reader."""
        if self.answer.error:
            return f"no answer: {self.answer.error}"
        return f"HTTP {self.answer.status}: {' '.join(self.answer.body.split())[:200]}".removesuffix(": ")


def call_each(
    system: System, agents: Mapping[str, Vantage], pairs: Iterable[Pair], headers: Mapping[str, str] | None = None
) -> tuple[MeshCall, ...]:
    """Ask the identity path of the callee of each pair, all at the same time, from beside a replica of its caller.

    A proxy may answer what comes by a kept connection as it was told when that was made, and closes it then. So what
    is kept is used up first, by requests that do not count.
    """

    def call(pair: Pair) -> MeshCall:
        caller, callee = pair
        url = system.url(system.service(callee))
        agents[caller].requests(url, count=USED_UP, concurrency=1)
        answer = agents[caller].call("GET", url, headers=headers)
        return MeshCall(caller, callee, agents[caller].pod, answer)

    return tuple(at_once(call, pairs))


def undeclared(system: System) -> list[Pair]:
    """Return each pair of different services of which the first is not declared to call the second."""
    names = [each.name for each in system.services]
    return [pair for pair in permutations(names, 2) if pair not in system.calls]


def forged_header(mesh: Mesh, namespace: str) -> dict[str, str]:
    """Return what somebody may make up about who asks; a proxy must not let it pass for its own word."""
    nobody = mesh.identity(namespace, FORGED)
    return {CLIENT_CERT: f"By={nobody};URI={nobody}"}
