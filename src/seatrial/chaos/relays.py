"""Relays in the agents of the nodes: what is sent through one arrives later by a constant time.

So one call becomes slow without the kernel's netem: a packet rule leads it to the relay on the caller's own node.
"""

from __future__ import annotations

from seatrial.observe.vantage import Vantage

LIFE_SECONDS = 300.0
"""After which a relay ends by itself, whatever became of who opened it."""


def open_relay(vantage: Vantage, to: str, delay_seconds: float) -> str:
    """Have the agent of a node hand on connections to ``to`` (host:port) with a delay; returns the relay's host:port.

    Raises EnvironmentFault when the agent does not.
    """
    order = {"to": to, "delay_seconds": delay_seconds, "duration_seconds": LIFE_SECONDS}
    port = vantage.agent.post("relays", order)["port"]
    return f"{vantage.address()}:{port}"


def close_relays(vantage: Vantage) -> int:
    """Close all relays of an agent and return how many there were; may be repeated at will."""
    return len(vantage.agent.post("relays/close", {})["closed"])
