"""Waiting until the gateway reaches every replica: it remembers failures for a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import count

import httpx

from seatrial.errors import Failed
from seatrial.observe.convergence import await_all
from seatrial.observe.customers import Reply, ask_in_turn, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.system import System
from seatrial.system_gateway import Gateway
from seatrial.system_values import Call

LOOK_SIZE = 30
"""Requests for each replica when it is asked whether the gateway reaches all of them. One of a gateway's two replicas
that leaves one of three out is overlooked when the other gets three quarters of the requests by chance: of 90 with a
probability of 2e-6; of 36 it was 1e-2, and came to be seen when an ejection lasted for a dozen looks."""
SERVER_ERROR = 500
"""Statuses from here on mean that the server failed (RFC 9110, 15.6)."""
NEARLY = 0.75
"""Of its share, that a replica gets at least when nobody leaves it out: turns are one off for each who takes them."""


def await_turns(door: FrontDoor, system: System, gateway: Gateway, replicas: Mapping[str, Collection[str]]) -> bool:
    """Wait until the gateway reaches every replica by every route that is read; false when the bound is over first.

    A gateway that watches answers remembers a failure until the replica has answered well again: what an earlier
    scenario did must not be taken for what the next one sees. ``replicas`` maps service to pod names. This is no
    judgement: whoever goes on without it will measure, and judge, what is there.
    """
    plain = (route for route in gateway.routes if not route.affinity)
    calls = {route.service: call for route in plain if (call := route.call).method == "GET"}
    within = system.tolerances.propagation_seconds
    return await_all(lambda name: in_turn(door, system, calls[name], replicas[name]), calls, within_seconds=within)


def in_turn(door: FrontDoor, system: System, call: Call, replicas: Collection[str]) -> bool:
    """Tell whether every replica gets nearly its share of a few requests of new customers over fresh connections.

    Where customers cannot log in nobody gets anything: that is not judged here either.
    """
    with customer(door) as client:
        try:
            token = sign_in(client, door, system) if call.login else ""
        except Failed:
            return False
        look = ask_in_turn(client, door, call, count=LOOK_SIZE * len(replicas), token=token)
        return _shares(look, system, replicas)


def await_share(
    client: httpx.Client,
    door: FrontDoor,
    system: System,
    call: Call,
    replicas: Collection[str],
    *,
    within_seconds: float,
    token: str,
    id_prefix: str,
) -> tuple[Reply, ...]:
    """Ask until every replica gets nearly its share, or the bound is over; return the answers of the last look.

    Each request has an id of its own, with this prefix. This judges nothing, as :func:`await_turns` does not.
    """
    deadline = time.monotonic() + within_seconds
    for number in count():
        prefix = f"{id_prefix}{number}-"
        look = ask_in_turn(client, door, call, count=LOOK_SIZE * len(replicas), token=token, id_prefix=prefix)
        if _shares(look, system, replicas) or time.monotonic() >= deadline:
            break
    return look


def _shares(look: Sequence[Reply], system: System, replicas: Collection[str]) -> bool:
    """Tell whether every replica gets nearly its share of what these replicas answer; another version may answer, too.

    A replica of the gateway that leaves one out, among two, takes half of its share away; one that leaves all out
    answers with an error of its own, and the shares among the other's answers tell nothing of it.
    """
    if any(reply.error or reply.status >= SERVER_ERROR for reply in look):
        return False
    answers = Counter(reply.header(system.identity.header) for reply in look)
    share = sum(answers[name] for name in replicas) / max(len(replicas), 1)
    return share > 0 and all(answers[name] >= NEARLY * share for name in replicas)
