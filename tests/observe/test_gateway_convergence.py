"""Waiting for a gateway that remembers failures."""

from __future__ import annotations

import time

import pytest

from seatrial.observe.gateway_convergence import await_turns
from seatrial.system_file import parse_system

from .shop_servers import HOST, serving_tls

SHOP = """\
name: shop
namespace: shop
services: [{name: items}]
gateway: {host: shop.test, routes: [{path: /items, service: items}]}
tolerances: {propagation_seconds: 0.5}
"""


@pytest.mark.parametrize(
    ("answering", "reached"),
    [(("items-a", "items-b"), True), (("items-a",), False), (("items-a", "items-a", "items-a", "items-b"), False)],
    ids=["both in turn", "one alone", "one left out by one gateway of two"],
)
def test_a_gateway_is_waited_for_until_no_replica_is_left_out(answering: tuple[str, ...], reached: bool) -> None:
    system = parse_system(SHOP, "system.yaml")
    assert system.gateway
    with serving_tls(HOST) as server:
        server.replicas = answering
        began = time.monotonic()
        assert await_turns(server.door, system, system.gateway, {"items": {"items-a", "items-b"}}) is reached
        assert reached or time.monotonic() - began >= 0.5
        assert {asked.headers["Connection"] for asked in server.asked} == {"close"}
