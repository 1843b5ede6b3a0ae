"""Is nobody answered but by mutual TLS, and nobody but who is declared to call; and what is told when it is not so."""

from __future__ import annotations

import json
from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.mesh import mistaken, not_refused, shut_out, spoken, unproven_silence
from seatrial.observe.mesh_calls import MeshCall
from seatrial.observe.plain_text import PlainAnswer
from seatrial.observe.vantage import Answer
from seatrial.system_mesh import Mesh

from .traffic import told

REACH = "HTTP 503: error trying to reach service: "
SILENT = PlainAnswer("users", "users-a", "10.1.0.7", 8080, "/whoami", unreached=f"{REACH}EOF")
ANSWERED = replace(SILENT, unreached="", status=200, served_by="users-a", body='{"pod": "users-a"}')
REFUSED_BY_PROXY = replace(ANSWERED, status=403, served_by="", body="RBAC: access denied")


@pytest.mark.parametrize(
    "why",
    [
        "EOF",
        "read tcp 172.18.0.3:40712->10.1.0.7:8080: read: connection reset by peer",
        "write tcp 172.18.0.3:40712->10.1.0.7:8080: write: broken pipe",
        "http: server closed idle connection",
    ],
)
def test_a_connection_that_is_closed_without_a_word_is_what_is_wanted(why: str):
    silent = replace(SILENT, unreached=REACH + why)
    assert told(spoken(silent)) == ""
    assert told(unproven_silence(["users"], [silent])) == ""


def test_a_replica_that_answers_plain_text_is_told():
    assert told(spoken(ANSWERED)) == cleandoc(
        """
        users: replica users-a (10.1.0.7:8080) speaks plain text
          expected  the connection is closed: nothing is spoken but mutual TLS
          observed  HTTP 200 from users-a
          window    asked by the API server, which is not in the mesh
          hint      it has no sidecar, or that leaves this port alone, or the policy permits plain text (PERMISSIVE)
        """
    )


def test_a_proxy_that_refuses_in_plain_text_has_spoken_it():
    assert told(spoken(REFUSED_BY_PROXY)) == cleandoc(
        """
        users: replica users-a (10.1.0.7:8080) speaks plain text
          expected  the connection is closed: nothing is spoken but mutual TLS
          observed  HTTP 403 from no replica: RBAC: access denied
          window    asked by the API server, which is not in the mesh
          hint      the policy of its proxy permits plain text (PERMISSIVE): this answer is the proxy's own
        """
    )


def test_who_names_himself_has_answered_even_where_the_way_is_doubtful():
    assert told(spoken(replace(ANSWERED, lost="no answer in 10 s")))


LOST = 'HTTP 404: pods "users-a" not found'


@pytest.mark.parametrize("asked", [SILENT, REFUSED_BY_PROXY, replace(SILENT, unreached=LOST)])
def test_silence_on_a_way_that_leads_nowhere_proves_nothing(asked: PlainAnswer):
    lost = replace(asked, lost=LOST)
    assert told(spoken(lost)) == ""
    assert told(unproven_silence(["users"], [lost])) == cleandoc(
        f"""
        users: replica users-a (10.1.0.7:8080) and plain text
          missing   proof that the way leads to it: a port that the mesh leaves alone is not answered: {LOST}
          remedy    see whether the sidecar leaves the trial's own ports alone (excludeInboundPorts)
        """
    )


@pytest.mark.parametrize(
    "words",
    [
        f"{REACH}dial tcp 10.1.0.7:8080: connect: connection refused",
        f"{REACH}dial tcp 10.1.0.7:8080: i/o timeout",
        "no answer in 10 s",
        "HTTP 429: too many requests, connection reset by peer",
    ],
)
def test_a_connection_that_never_was_proves_nothing(words: str):
    silent = replace(SILENT, unreached=words)
    assert told(spoken(silent)) == ""
    assert told(unproven_silence(["users"], [silent])) == cleandoc(
        f"""
        users: replica users-a (10.1.0.7:8080) and plain text
          missing   proof that it closed the connection itself: {words}
          remedy    see whether it listens on this port, and what drops packets on the way
        """
    )


def test_a_service_of_which_nobody_was_asked_is_in_doubt():
    assert told(unproven_silence(["auth", "users"], [SILENT])) == cleandoc(
        """
        auth: nobody was asked in plain text
          missing   a ready endpoint with a port of its Service
        """
    )


MESH = Mesh()
ACCOUNTS = {"leads": "leads", "users": "people"}
LEADS, PEOPLE = (f"spiffe://cluster.local/ns/shop/sa/{name}" for name in ("leads", "people"))


def call(status: int = 200, body: str = "", error: str = "") -> MeshCall:
    return MeshCall("leads", "users", "leads-a", Answer("worker", "http://users", status, {}, body, error))


def identified(**fields: str) -> MeshCall:
    return call(body=json.dumps({"pod": "users-a", **fields}))


def test_identities_are_those_of_the_service_accounts():
    assert told(mistaken(identified(caller=LEADS, callee=PEOPLE), MESH, "shop", ACCOUNTS)) == ""


def test_another_system_names_its_domain_and_fields():
    mesh = Mesh(trust_domain="shop.test", caller_field="from", callee_field="to")
    named = {"from": "spiffe://shop.test/ns/shop/sa/leads", "to": "spiffe://shop.test/ns/shop/sa/people"}
    assert told(mistaken(identified(**named), mesh, "shop", ACCOUNTS)) == ""
    assert told(mistaken(identified(caller=LEADS, callee=PEOPLE), mesh, "shop", ACCOUNTS))


UNTOLD = "the request did not come by mutual TLS, or the replica does not tell what its proxy says of it"
OTHER = "another service account or trust domain than that of leads or users, or a forgery believed"
FORGED = "spiffe://cluster.local/ns/shop/sa/seatrial-forged"


@pytest.mark.parametrize(
    ("fields", "observed", "hint"),
    [
        ({"caller": "", "callee": ""}, "caller nobody, callee nobody", UNTOLD),
        ({"caller": LEADS}, f"caller {LEADS}, callee nobody", UNTOLD),
        ({}, "caller nobody, callee nobody", UNTOLD),
        ({"caller": FORGED, "callee": FORGED}, f"caller {FORGED}, callee {FORGED}", OTHER),
        ({"caller": PEOPLE, "callee": LEADS}, f"caller {PEOPLE}, callee {LEADS}", OTHER),
    ],
    ids=["nobody", "half", "silent", "forged", "swapped"],
)
def test_any_other_identity_is_told(fields: dict[str, str], observed: str, hint: str):
    assert told(mistaken(identified(**fields), MESH, "shop", ACCOUNTS)) == cleandoc(
        f"""
        leads → users: the callee does not know who asks whom
          expected  caller {LEADS}, callee {PEOPLE}
          observed  {observed}
          window    asked from beside leads-a, with a forged identity in the header
          hint      {hint}
        """
    )


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (call(403, "RBAC: access denied"), "HTTP 403: RBAC: access denied"),
        (call(200, "users\nhere"), "HTTP 200: users here"),
        (call(200, "[]"), "HTTP 200: []"),
        (call(0, error="reset"), "no answer: reset"),
    ],
    ids=["refused", "text", "list", "lost"],
)
def test_an_answer_that_tells_nothing_is_told_as_it_came(answer: MeshCall, observed: str):
    assert told(mistaken(answer, MESH, "shop", ACCOUNTS)).splitlines() == [
        "leads → users: the callee does not know who asks whom",
        f"  expected  caller {LEADS}, callee {PEOPLE}",
        f"  observed  {observed}",
        "  window    asked from beside leads-a, with a forged identity in the header",
    ]


def test_a_stranger_is_refused_and_a_friend_is_answered():
    assert told(not_refused(call(403, "RBAC: access denied"))) == ""
    assert told(shut_out(call(200))) == ""


def test_a_stranger_who_is_answered_is_told():
    assert told(not_refused(call(200, '{"pod": "users-a"}'))) == cleandoc(
        """
        leads → users: who may not call is answered
          expected  HTTP 403: the call is not declared
          observed  HTTP 200: {"pod": "users-a"}
          window    asked from beside leads-a
          hint      users has no policy, or one that is too wide
        """
    )


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (call(503, "no healthy upstream"), "HTTP 503: no healthy upstream"),
        (call(404), "HTTP 404"),
        (call(0, error="reset"), "no answer: reset"),
        (call(403, error="timeout"), "no answer: timeout"),
    ],
    ids=["failing", "missing", "lost", "cut off"],
)
def test_a_stranger_whose_call_fails_otherwise_is_told(answer: MeshCall, observed: str):
    assert told(not_refused(answer)).splitlines() == [
        "leads → users: who may not call is not refused as such",
        "  expected  HTTP 403: the call is not declared",
        f"  observed  {observed}",
        "  window    asked from beside leads-a",
        "  hint      the call fails, but it is not a policy that refuses it",
    ]


def test_a_friend_who_is_refused_is_told():
    assert told(shut_out(call(403, "RBAC: access denied"))) == cleandoc(
        """
        leads → users: a declared call is refused
          expected  HTTP 200
          observed  HTTP 403: RBAC: access denied
          window    asked from beside leads-a
          hint      the policy of users is too narrow, or leads runs under another service account
        """
    )


@pytest.mark.parametrize(
    ("answer", "observed"),
    [(call(503, "upstream reset"), "HTTP 503: upstream reset"), (call(200, error="timeout"), "no answer: timeout")],
)
def test_a_friend_who_gets_no_answer_is_told(answer: MeshCall, observed: str):
    assert told(shut_out(answer)) == cleandoc(
        f"""
        leads → users: a declared call is not answered
          expected  HTTP 200
          observed  {observed}
          window    asked from beside leads-a
          hint      no replica of users is reached, or one of the two has no sidecar
        """
    )
