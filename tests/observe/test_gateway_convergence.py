"""Waiting for a gateway that remembers failures."""

from __future__ import annotations

import math
import time

import pytest
from scipy import stats

from seatrial.observe.customers import Reply, customer
from seatrial.observe.gateway_convergence import LOOK_SIZE, NEARLY, await_share, await_turns
from seatrial.system_file import parse_system
from seatrial.system_values import Call

from .shop_servers import HOST, Server, serving_tls

ONE_LOOK = 60
"""Requests to a service with two replicas."""

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


def share(server: Server, within_seconds: float) -> tuple[Reply, ...]:
    system, call = parse_system(SHOP, "system.yaml"), Call(path="/items", login=True)
    with customer(server.door) as shopper:
        return await_share(
            shopper,
            server.door,
            system,
            call,
            {"items-a", "items-b"},
            within_seconds=within_seconds,
            token="secret-1",
            id_prefix="calm-",
        )


def test_one_of_two_gateways_that_leaves_one_replica_of_three_out_is_overlooked_hardly_ever() -> None:
    """The other one must get so many of the requests that a third of them is nearly a share of all."""
    size = 3 * LOOK_SIZE
    enough = 3 * math.ceil(NEARLY * LOOK_SIZE) - 2  # turns are one off
    assert stats.binom.sf(enough - 1, size, 1 / 2) < 1e-5


def test_a_look_that_shows_every_replica_is_the_last_and_its_requests_have_ids_and_a_token() -> None:
    with serving_tls(HOST) as server:
        server.replicas = ("items-a", "items-b")
        look = share(server, 10)
        assert [reply.sent["X-Request-Id"] for reply in look] == [f"calm-0-{number}" for number in range(ONE_LOOK)]
        assert {asked.headers["Authorization"] for asked in server.asked} == {"Bearer secret-1"}
        assert {asked.path for asked in server.asked} == {"/items"}, "nobody logs in while the log-in may be ill"


def test_a_replica_of_the_gateway_that_has_nobody_to_ask_is_waited_for_although_the_other_ones_answers_are_even() -> (
    None
):
    with serving_tls(HOST) as server:
        server.replicas, server.refused = ("items-a", "items-b"), (6, 7)
        look = share(server, 10)
        assert len(server.asked) == 2 * ONE_LOOK, "one look with two errors, one without"
        assert {reply.status for reply in look} == {200}


def test_the_last_look_is_returned_when_the_bound_is_over_whatever_it_shows() -> None:
    with serving_tls(HOST) as server:
        began = time.monotonic()
        look = share(server, 2)
        assert time.monotonic() - began >= 2
        assert len(look) == ONE_LOOK < len(server.asked)
        assert [reply.sent["X-Request-Id"] for reply in look] == [
            asked.headers["X-Request-Id"] for asked in server.asked[-ONE_LOOK:]
        ]


LOG_IN = """\
name: shop
namespace: shop
services: [{name: items}]
login: {service: items, request: {method: POST, path: /closed}}
gateway: {host: shop.test, routes: [{path: /items, service: items, request: {path: /items, login: true}}]}
tolerances: {propagation_seconds: 0.3}
"""


def test_a_gateway_where_customers_cannot_log_in_is_waited_for_and_not_judged() -> None:
    system = parse_system(LOG_IN, "system.yaml")
    assert system.gateway
    with serving_tls(HOST) as server:
        began = time.monotonic()
        assert await_turns(server.door, system, system.gateway, {"items": {"items-a"}}) is False
        assert time.monotonic() - began >= 0.3
        assert {asked.path for asked in server.asked} == {"/closed"}
