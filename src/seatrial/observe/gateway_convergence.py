"""Waiting until the gateway reaches every replica: it remembers failures for a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import count

import httpx

from seatrial.observe.customers import Reply, ask, customer, id_of, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.system import System
from seatrial.system_gateway import Gateway
from seatrial.system_values import Call

LOOK_SIZE = 12
"""Requests for each replica when it is asked whether the gateway reaches all of them."""
NEARLY = 0.75
"""Of its share, that a replica gets at least when nobody leaves it out: turns are one off for each who takes them."""


def await_turns(door: FrontDoor, system: System, gateway: Gateway, replicas: Mapping[str, Collection[str]]) -> bool:
    """Wait until the gateway reaches every replica by every route that is read; false when the bound is over first.

    A gateway that watches answers remembers a failure until the replica has answered well again: what an earlier
    scenario did must not be taken for what the next one sees. ``replicas`` maps service to pod names. This is no
    judgement: whoever goes on without it will measure, and judge, what is there.
    """
    calls = {route.service: call for route in gateway.routes if (call := route.call).method == "GET"}
    deadline = time.monotonic() + system.tolerances.propagation_seconds
    while calls and time.monotonic() < deadline:
        calls = {name: call for name, call in calls.items() if not _reaches(door, system, call, replicas[name])}
    return not calls


def _reaches(door: FrontDoor, system: System, call: Call, replicas: Collection[str]) -> bool:
    with customer(door) as client:
        token = sign_in(client, door, system) if call.login else ""
        return _in_turn(_look(client, door, call, len(replicas), token), system, replicas)


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
        look = _look(client, door, call, len(replicas), token, f"{id_prefix}{number}-")
        if _in_turn(look, system, replicas) or time.monotonic() >= deadline:
            break
    return look


def _look(
    client: httpx.Client, door: FrontDoor, call: Call, replicas: int, token: str, id_prefix: str = ""
) -> tuple[Reply, ...]:
    """Send a few requests over fresh connections: they meet every replica of the gateway."""
    headers = [{"Connection": "close"} | id_of(id_prefix, number) for number in range(LOOK_SIZE * replicas)]
    return tuple(ask(client, door, call, headers=each, token=token) for each in headers)


def _in_turn(look: Sequence[Reply], system: System, replicas: Collection[str]) -> bool:
    """Tell whether every replica gets nearly its share.

    A replica of the gateway that leaves one out, among two, takes half of its share away.
    """
    answers = Counter(reply.header(system.identity.header) for reply in look)
    return all(answers[name] >= NEARLY * LOOK_SIZE for name in replicas)
