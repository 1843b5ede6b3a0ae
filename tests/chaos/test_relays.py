"""Relays in the agents: opened with a delay and an end of their own, closed all at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from seatrial.chaos.relays import close_relays, open_relay


def test_a_relay_is_where_the_agent_stands_and_ends_by_itself():
    asked: list[Any] = []

    def post(path: str, body: Any) -> Any:
        asked.append((path, body))
        return {"port": 4001, "closed": [4001, 4002]}

    vantage: Any = SimpleNamespace(agent=SimpleNamespace(post=post), address=lambda: "10.0.1.7")
    assert open_relay(vantage, "10.96.0.5:80", 0.3) == "10.0.1.7:4001"
    assert close_relays(vantage) == 2
    assert asked == [
        ("relays", {"to": "10.96.0.5:80", "delay_seconds": 0.3, "duration_seconds": 300.0}),
        ("relays/close", {}),
    ]
