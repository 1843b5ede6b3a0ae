"""Requests at the same moment, against a real TLS server on loopback."""

from __future__ import annotations

import json
import time

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import volley
from seatrial.observe.customers import Reply
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.volley import fire, lined_up
from seatrial.system_values import Call

from .shop_servers import HOST, Server, serving_tls

KNOCK = Call(path="/items")


def fired(server: Server, call: Call, size: int, token: str = "") -> tuple[Reply, ...]:
    with lined_up(server.door, size, KNOCK) as line:
        return fire(line, server.door, call, token=token)


def test_all_requests_are_under_way_at_the_same_moment_over_connections_that_stood_already() -> None:
    with serving_tls(HOST) as server, lined_up(server.door, 8, KNOCK) as line:
        assert len(server.greeted) == 8
        replies = fire(line, server.door, Call(path="/slow"))
        assert len(server.greeted) == 8
        assert server.at_once == 8
    assert [(reply.status, reply.error) for reply in replies] == [(404, "")] * 8
    assert all(0.1 <= reply.seconds < 1 for reply in replies)
    assert max(reply.start for reply in replies) - min(reply.start for reply in replies) < 0.1


def test_an_answer_is_returned_as_that_of_any_customer(server: Server) -> None:
    call = Call.model_validate({"method": "POST", "path": "/orders", "json": {"n": 1}, "login": True})
    began = time.time()
    (reply,) = fired(server, call, 1, token="secret-1")
    assert (reply.method, reply.url, reply.status) == ("POST", f"https://{HOST}/orders", 202)
    assert (reply.header("X-Served-By"), json.loads(reply.body)) == ("items-a", {"detail": "x" * 300})
    assert began <= reply.start <= time.time()
    knocked, asked = server.asked
    assert (knocked.path, asked.path, json.loads(asked.body)) == ("/items", "/orders", {"n": 1})
    assert (asked.headers["Host"], asked.headers["Authorization"]) == (HOST, "Bearer secret-1")
    assert (asked.headers["Content-Type"], server.greeted) == ("application/json", [HOST])


def test_a_call_without_log_in_takes_no_token_along(server: Server) -> None:
    fired(server, KNOCK, 1, token="secret-1")
    assert "Authorization" not in server.asked[-1].headers


def test_what_goes_wrong_is_data_and_others_are_answered_all_the_same(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (silent,) = fired(server, Call(path="/silence"), 1)
    assert (silent.status, silent.error) == (0, "Remote end closed connection without response")
    with lined_up(server.door, 2, KNOCK) as line:
        line[0].close()
        lost, answered = fire(line, server.door, KNOCK)
    assert (lost.status, bool(lost.error), answered.status) == (0, True, 200)
    monkeypatch.setattr(volley, "TIMEOUT_SECONDS", 0.3)
    (late,) = fired(server, Call(path="/stuck"), 1)
    assert (late.error, late.seconds) == ("no answer in 0.3 s", 0.3)


def test_customers_who_cannot_line_up_are_told(nobody: FrontDoor, server: Server) -> None:
    with pytest.raises(EnvironmentFault) as caught, lined_up(nobody, 3, KNOCK):
        pytest.fail("not reached")
    assert str(caught.value) == f"3 customers cannot line up at {nobody.url}: [Errno 111] Connection refused"
    with pytest.raises(EnvironmentFault, match="closed connection"), lined_up(server.door, 1, Call(path="/silence")):
        pytest.fail("not reached")
