"""Does the gateway lead where it says: what is wrong with an answer, and at which layer to look first."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.routing import REFUSALS, closed, forgotten_identity, let_through, misrouted, not_redirected
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Route
from seatrial.system_values import Call

from .traffic import told

ROUTE = Route(path="/leads", service="leads")
CREATE = Route(path="/leads", service="leads", request=Call(method="POST", path="/leads", status=202))
URL = "https://shop.test/leads"
REPLY = Reply("GET", URL, {}, status=200)
LOST = replace(REPLY, status=0, error="timed out")
REPLICAS = frozenset({"leads-a", "leads-b"})


def test_the_declared_answer_of_a_replica_is_right():
    assert told(misrouted(ROUTE, REPLY, "leads-b", REPLICAS)) == ""
    assert told(misrouted(CREATE, replace(REPLY, method="POST", status=202), "leads-a", REPLICAS)) == ""


HINTS = {
    404: "the gateway has no rule for /leads, or sends it to a service that does not know it",
    421: "the gateway has no rule for /leads, or sends it to a service that does not know it",
    500: "see the gateway's log",
    502: "the gateway has a rule but reaches no replica of leads: its name, port or endpoints",
    503: "the gateway has a rule but reaches no replica of leads: its name, port or endpoints",
    504: "the gateway has a rule but reaches no replica of leads: its name, port or endpoints",
}


@pytest.mark.parametrize(("status", "hint"), HINTS.items())
def test_another_status_is_told_with_the_layer_to_look_at(status: int, hint: str):
    assert told(misrouted(ROUTE, replace(REPLY, status=status), "leads-a", REPLICAS)) == cleandoc(
        f"""
        /leads → leads (GET {URL}): the gateway does not answer as declared
          expected  HTTP 200
          observed  HTTP {status}
          hint      {hint}
        """
    )


def test_the_status_that_is_expected_is_the_one_of_the_routes_request():
    assert told(misrouted(CREATE, REPLY, "leads-a", REPLICAS)).splitlines()[1] == "  expected  HTTP 202"


def test_no_answer_is_told_with_its_reason():
    assert told(misrouted(ROUTE, LOST, "", REPLICAS)) == cleandoc(
        f"""
        /leads → leads (GET {URL}): the gateway does not answer as declared
          expected  HTTP 200
          observed  no answer: timed out
          hint      see the gateway's log
        """
    )


@pytest.mark.parametrize(
    ("served_by", "replicas", "expected", "observed"),
    [
        ("users-a", REPLICAS, "one of leads-a, leads-b", "users-a"),
        ("", REPLICAS, "one of leads-a, leads-b", "nobody named"),
        ("leads-a", frozenset(), "one of no ready replica", "leads-a"),
        ("", frozenset(), "one of no ready replica", "nobody named"),
    ],
    ids=["stranger", "nobody", "no replica", "neither"],
)
def test_an_answer_of_anyone_else_is_told(served_by: str, replicas: frozenset[str], expected: str, observed: str):
    assert told(misrouted(ROUTE, REPLY, served_by, replicas)) == cleandoc(
        f"""
        /leads → leads (GET {URL}): somebody else than leads answers
          expected  {expected}
          observed  {observed}
          hint      the route leads to another service
        """
    )


def test_a_door_that_answers_as_declared_is_open():
    assert told(closed("worker", "172.18.0.3", REPLY, 200, {"worker2"})) == ""


@pytest.mark.parametrize(
    ("stand_on", "where", "hint"),
    [
        (
            {"worker3", "worker2"},
            "worker2, worker3",
            "what reaches a node without a replica of the gateway is not handed on (externalTrafficPolicy Local)",
        ),
        (
            {"worker"},
            "worker",
            "the proxy of this node does not follow the endpoints of the gateway, or a packet filter is before it",
        ),
        (
            set(),
            "no node",
            "what reaches a node without a replica of the gateway is not handed on (externalTrafficPolicy Local)",
        ),
    ],
    ids=["elsewhere", "here", "nowhere"],
)
def test_a_door_that_is_closed_is_told_with_its_node(stand_on: set[str], where: str, hint: str):
    assert told(closed("worker", "172.18.0.3", LOST, 200, stand_on)) == cleandoc(
        f"""
        GET {URL} at node worker (172.18.0.3): the gateway does not answer as declared
          expected  HTTP 200 at every node
          observed  no answer: timed out
                    replicas of the gateway stand on {where}
          hint      {hint}
        """
    )


def test_a_door_that_leads_elsewhere_is_told_with_its_status():
    found = told(closed("worker", "172.18.0.3", replace(REPLY, status=421), 200, {"worker"})).splitlines()
    assert found[2] == "  observed  HTTP 421"
    assert found[-1] == "  hint      see the gateway's log"


@pytest.mark.parametrize("status", REFUSALS)
def test_a_strange_host_may_be_refused_in_several_ways(status: int):
    assert told(let_through(replace(REPLY, status=status), "a host that nobody declared", REFUSALS)) == ""


@pytest.mark.parametrize(
    ("reply", "observed"),
    [
        (REPLY, "HTTP 200"),
        (replace(REPLY, status=308), "HTTP 308"),
        (replace(REPLY, status=502), "HTTP 502"),
        (LOST, "no answer: timed out"),
    ],
    ids=["answered", "redirected", "failing", "lost"],
)
def test_what_is_not_refused_is_told(reply: Reply, observed: str):
    assert told(let_through(reply, "a path that nobody declared", (404, 403))) == cleandoc(
        f"""
        GET {URL}: a path that nobody declared is not refused
          expected  HTTP 403 or 404
          observed  {observed}
          hint      a catch-all rule, or a default server that serves everybody
        """
    )


PLAIN = replace(REPLY, url="http://shop.test/leads")


@pytest.mark.parametrize("status", [301, 308])
def test_a_redirection_for_good_to_the_same_address_is_right(status: int):
    assert told(not_redirected(replace(PLAIN, status=status, headers={"location": URL}), URL)) == ""


@pytest.mark.parametrize(
    ("reply", "observed"),
    [
        (PLAIN, "HTTP 200 to nowhere"),
        (replace(PLAIN, status=308), "HTTP 308 to nowhere"),
        (replace(PLAIN, status=302, headers={"location": URL}), f"HTTP 302 to {URL}"),
        (replace(PLAIN, status=301, headers={"location": "https://shop.test/"}), "HTTP 301 to https://shop.test/"),
        (replace(PLAIN, status=0, error="timed out"), "no answer: timed out"),
    ],
    ids=["served", "nowhere", "for now", "elsewhere", "lost"],
)
def test_any_other_answer_without_tls_is_told(reply: Reply, observed: str):
    assert told(not_redirected(reply, URL)) == cleandoc(
        f"""
        GET http://shop.test/leads: a request without TLS is not redirected
          expected  HTTP 301 or 308 to {URL}
          observed  {observed}
        """
    )


KEPT = replace(REPLY, headers={"x-request-id": "trial-7"})


def test_an_id_that_comes_back_is_kept():
    assert told(forgotten_identity([KEPT, KEPT], "X-Request-Id", "trial-7")) == ""


@pytest.mark.parametrize(
    ("reply", "observed"),
    [
        (replace(REPLY, headers={"x-request-id": "4f2a"}), "4f2a"),
        (REPLY, "no such header (HTTP 200)"),
        (LOST, "no answer: timed out"),
    ],
    ids=["another", "none", "lost"],
)
def test_each_answer_with_another_id_or_none_is_told(reply: Reply, observed: str):
    assert told(forgotten_identity([KEPT, reply], "X-Request-Id", "trial-7")) == cleandoc(
        f"""
        GET {URL}: the request id is lost on the way
          expected  X-Request-Id: trial-7
          observed  {observed}
          hint      the gateway makes an id of its own, or does not pass the customer's on
        """
    )


@pytest.mark.parametrize(("replies", "sent"), [([], "trial-7"), ([REPLY], "")], ids=["no request", "no id"])
def test_where_no_id_was_sent_none_is_kept(replies: list[Reply], sent: str):
    assert told(forgotten_identity(replies, "X-Request-Id", sent)) == cleandoc(
        f"""
        no request carried an id
          expected  X-Request-Id in each request
          observed  {len(replies)} requests without it
        """
    )
