"""Customers' requests, against real TLS servers on loopback."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from inspect import cleandoc
from itertools import pairwise

import pytest
import trustme

from seatrial.errors import Failed
from seatrial.observe import customers
from seatrial.observe.customers import Reply, ask, ask_at_once, ask_in_turn, ask_steadily, customer, sign_in
from seatrial.observe.front_door import FrontDoor
from seatrial.system_file import parse_system
from seatrial.system_values import Call

from .shop_servers import HOST, Server, serving, serving_tls

SYSTEM = """\
name: shop
namespace: shop
services: [{name: auth}]
login: {service: auth, request: {method: POST, path: /login, json: {name: ada}}}
gateway: {host: shop.test, service: door, https_port_name: tls, routes: [{path: /, service: auth}]}
"""


def test_a_request_asks_for_the_host_whatever_its_address(server: Server) -> None:
    began = time.time()
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/items?page=2"), headers={"X-Request-Id": "7"})
    assert began <= reply.start <= time.time()
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/items?page=2", "")
    assert (asked.headers["Host"], asked.headers["X-Request-Id"]) == (HOST, "7")
    assert server.greeted == [HOST]
    assert (reply.method, reply.url, reply.sent) == ("GET", f"https://{HOST}/items?page=2", {"X-Request-Id": "7"})


def test_an_answer_is_returned_as_data(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call.model_validate({"method": "POST", "path": "/orders", "json": {"n": 1}}))
    assert (reply.status, reply.http_version, reply.error) == (202, "HTTP/1.1", "")
    assert (reply.header("x-served-by"), reply.header("X-Served-By"), reply.header("X-None")) == (
        "items-a",
        "items-a",
        "",
    )
    assert json.loads(reply.body) == {"detail": "x" * 300}
    assert json.loads(server.asked[0].body) == {"n": 1}


def test_another_host_is_named_in_the_request_and_not_in_the_greeting(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/items"), host="other.test")
    assert (reply.status, reply.url) == (200, "https://other.test/items")
    assert server.asked[0].headers["Host"] == "other.test"
    assert server.greeted == [HOST]


@pytest.mark.parametrize(("login", "sent"), [(True, "Bearer secret-1"), (False, None)])
def test_the_token_goes_where_a_call_asks_for_it(server: Server, login: bool, sent: str | None) -> None:
    with customer(server.door) as shopper:
        ask(shopper, server.door, Call(path="/items", login=login), token="secret-1")
    assert server.asked[0].headers.get("Authorization") == sent


def test_requests_of_one_customer_share_a_connection(server: Server) -> None:
    with customer(server.door) as shopper:
        for _ in range(3):
            ask(shopper, server.door, Call(path="/items"))
    assert (len(server.asked), len(server.greeted)) == (3, 1)


def test_new_customers_ask_one_after_the_other_each_over_a_connection_of_his_own(server: Server) -> None:
    with customer(server.door) as shopper:
        shopper.cookies.set("SHOPPER", "ada")
        replies = ask_in_turn(shopper, server.door, Call(path="/items"), count=7, id_prefix="a-")
    assert [reply.status for reply in replies] == [200] * 7
    assert (len(server.asked), len(server.greeted)) == (7, 7)
    assert [asked.headers.get("X-Request-Id") for asked in server.asked] == [f"a-{number}" for number in range(7)]
    assert all("Cookie" not in asked.headers for asked in server.asked)
    assert all(later.start >= sooner.start + sooner.seconds for sooner, later in pairwise(replies))


def test_a_redirection_is_told_and_not_followed() -> None:
    with serving(None) as plain, customer(plain.door) as shopper:
        reply = ask(shopper, plain.door, Call(path="/moved"), scheme="http")
    assert (reply.url, reply.status, reply.header("Location")) == (f"http://{HOST}/moved", 308, f"https://{HOST}/items")
    assert [(asked.path, asked.headers["Host"]) for asked in plain.asked] == [("/moved", HOST)]


def test_what_the_machine_is_told_about_proxies_and_certificates_is_not_for_customers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with customer(server.door) as shopper:
        assert ask(shopper, server.door, Call(path="/items")).status == 200


def lost(door: FrontDoor, path: str = "/items") -> Reply:
    with customer(door) as shopper:
        return ask(shopper, door, Call(path=path))


def test_errors_are_data(server: Server, nobody: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, silent = lost(nobody), lost(server.door, "/silence")
    monkeypatch.setattr(customers, "TIMEOUT_SECONDS", 0.5)
    late = lost(server.door, "/stuck")
    assert (refused.error, silent.error, late.error) == (
        "[Errno 111] Connection refused",
        "Server disconnected without sending a response.",
        "The read operation timed out",
    )
    assert {(reply.status, reply.headers, reply.body) for reply in (refused, silent, late)} == {(0, None, "")}
    assert refused.told() == "no answer: [Errno 111] Connection refused"
    assert refused.header("X-Served-By") == ""


def test_a_stranger_is_not_believed(server: Server) -> None:
    stranger = replace(server.door, authority=trustme.CA().cert_pem.bytes().decode())
    assert "CERTIFICATE_VERIFY_FAILED" in lost(stranger).error
    assert "CERTIFICATE_VERIFY_FAILED" in lost(replace(server.door, authority="")).error
    with serving_tls("other.test") as other:
        assert f"certificate is not valid for '{HOST}'" in lost(other.door).error
    assert (server.asked, other.asked) == ([], [])


def test_what_came_back_is_told_in_short(server: Server) -> None:
    with customer(server.door) as shopper:
        reply = ask(shopper, server.door, Call(path="/nothing"))
    assert reply.told() == 'HTTP 404: {"detail": "' + "x" * 188


def test_steady_requests_are_never_earlier_than_the_rate_says_the_first_included(server: Server) -> None:
    began = time.time()
    with customer(server.door) as shopper:
        replies = ask_steadily(shopper, server.door, Call(path="/items"), per_second=20, count=5)
    assert [reply.status for reply in replies] == [200] * 5
    assert all(reply.start - began >= number * 0.05 - 0.002 for number, reply in enumerate(replies, start=1))
    assert replies[-1].start - began < 5
    assert all(earlier.start < later.start for earlier, later in pairwise(replies))


def test_no_steady_request_is_none(server: Server) -> None:
    with customer(server.door) as shopper:
        assert ask_steadily(shopper, server.door, Call(path="/items"), per_second=20, count=0) == ()


def test_many_customers_ask_at_once_and_never_more_than_there_are() -> None:
    with serving_tls() as server, customer(server.door) as shopper:
        call = Call(path="/slow", login=True)
        replies = ask_at_once(shopper, server.door, call, count=8, customers=3, token="secret-1")
    assert [reply.status for reply in replies] == [404] * 8
    assert 1 < server.at_once <= 3
    assert {asked.headers["Authorization"] for asked in server.asked} == {"Bearer secret-1"}


def test_each_of_many_requests_has_an_id_of_its_own_where_that_is_asked_for(server: Server) -> None:
    with customer(server.door) as shopper:
        ask_at_once(shopper, server.door, Call(path="/items"), count=3, customers=2, id_prefix="a-")
        ask_steadily(shopper, server.door, Call(path="/items"), per_second=200, count=2, id_prefix="b-")
        replies = ask_steadily(shopper, server.door, Call(path="/items"), per_second=200, count=1)
    sent = [asked.headers.get("X-Request-Id") for asked in server.asked]
    assert (sorted(sent[:3]), sent[3:]) == (["a-0", "a-1", "a-2"], ["b-0", "b-1", None])
    assert replies[0].sent == {}


def test_steady_customers_do_not_wait_for_each_other_and_bring_their_token() -> None:
    with serving_tls() as server, customer(server.door) as shopper:
        call, began = Call(path="/slow", login=True), time.monotonic()
        ask_steadily(shopper, server.door, call, per_second=50, count=10, customers=10, token="secret-1")
    assert time.monotonic() - began < 10 * 0.1, "one customer alone takes 0.1 s for each"
    assert {asked.headers["Authorization"] for asked in server.asked} == {"Bearer secret-1"}


def test_a_customer_signs_in_through_the_gateway(server: Server) -> None:
    with customer(server.door) as shopper:
        assert sign_in(shopper, server.door, parse_system(SYSTEM, "s")) == "secret-1"
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("POST", "/login", '{"name":"ada"}')]


def test_nobody_signs_in_where_no_log_in_is_declared(server: Server) -> None:
    with customer(server.door) as shopper:
        assert sign_in(shopper, server.door, parse_system(SYSTEM, "s").model_copy(update={"login": None})) == ""
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "expected", "observed"),
    [
        (("/login", "/nothing"), "HTTP 200 with a text in the field 'token'", 'HTTP 404: {"detail": "' + "x" * 188),
        (("/login", "/items"), "HTTP 200 with a text in the field 'token'", 'HTTP 200: {"detail": "' + "x" * 188),
        (("ada}", "ada}, status: 201"), "HTTP 201 with a text in the field 'token'", 'HTTP 200: {"token": "secret-1"}'),
        (
            ("/login", "/silence"),
            "HTTP 200 with a text in the field 'token'",
            "no answer: Server disconnected without sending a response.",
        ),
    ],
    ids=["refused", "no token", "another status", "no answer"],
)
def test_a_log_in_that_fails_is_told(server: Server, change: tuple[str, str], expected: str, observed: str) -> None:
    system = parse_system(SYSTEM.replace(*change, 1), "s")
    assert system.login
    with customer(server.door) as shopper, pytest.raises(Failed) as caught:
        sign_in(shopper, server.door, system)
    assert str(caught.value) == cleandoc(
        f"""
        auth (POST {system.login.request.path}): no log-in
          expected  {expected}
          observed  {observed}
        """
    )
