"""Waiting until the gateway reaches every replica: it remembers failures for a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping

from seatrial.observe.customers import ask, customer, sign_in
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
        calls = {name: call for name, call in calls.items() if not _in_turn(door, system, call, replicas[name])}
    return not calls


def _in_turn(door: FrontDoor, system: System, call: Call, replicas: Collection[str]) -> bool:
    """Tell whether every replica gets nearly its share of a few requests over fresh connections.

    They meet every replica of the gateway; one that leaves a replica out takes half of its share away.
    """
    with customer(door) as client:
        token, close = sign_in(client, door, system) if call.login else "", {"Connection": "close"}
        replies = [ask(client, door, call, headers=close, token=token) for _ in range(LOOK_SIZE * len(replicas))]
    answers = Counter(reply.header(system.identity.header) for reply in replies)
    return all(answers[name] >= NEARLY * LOOK_SIZE for name in replicas)
