"""Sticking: clients of a Service with affinity, of one without, and kept connections."""

from __future__ import annotations

from inspect import cleandoc

import pytest

from seatrial.checks.affinity import not_kept, not_sticking, requests_to_tell, sticking
from seatrial.observe.records import ServiceView

from .traffic import told, traffic


def service(affinity: str) -> ServiceView:
    return ServiceView("lead-platform", "leads", "10.96.0.7", (), affinity, ())


STICKY, PLAIN = service("ClientIP"), service("None")


@pytest.mark.parametrize("replicas", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.04])
def test_the_fewest_requests_are_made_that_tell_sticking_from_balancing(replicas, alpha):
    def by_chance(requests: int) -> float:
        return replicas * (1 / replicas) ** requests

    count = requests_to_tell(replicas, alpha)
    assert by_chance(count) <= alpha * 1.000001
    assert by_chance(count - 1) > alpha


@pytest.mark.parametrize("replicas", [0, 1])
def test_fewer_than_two_replicas_tell_nothing_about_sticking(replicas):
    with pytest.raises(ValueError, match=f"^{replicas} replicas: sticking to one shows only among two$"):
        requests_to_tell(replicas, 1e-6)


def test_a_client_that_sticks_is_good_where_affinity_is_asked_for():
    assert told(not_sticking("leads", STICKY, traffic({"leads-a": 20}))) == ""


def test_a_client_that_meets_two_replicas_does_not_stick():
    assert told(not_sticking("leads", STICKY, traffic({"leads-b": 8, "leads-a": 12}))) == cleandoc(
        """
        leads: the client on node-x does not stick to one replica
          expected  one replica answers every request (sessionAffinity ClientIP)
          observed  leads-a 12, leads-b 8; 0 of 20 requests failed; sessionAffinity ClientIP
        """
    )


@pytest.mark.parametrize(
    ("hits", "errors", "observed"),
    [
        ({"leads-a": 19}, {"refused": 1}, "leads-a 19; 1 of 20 requests failed"),
        ({"": 20}, {}, "(no name given) 20; 0 of 20 requests failed"),
        ({}, {"timeout": 20}, "nobody; 20 of 20 requests failed"),
        ({}, {}, "nobody; 0 of 0 requests failed"),
    ],
    ids=["one request fails", "answers without a name", "every request fails", "no request"],
)
def test_only_named_answers_to_every_request_are_sticking(hits, errors, observed):
    (affine,) = not_sticking("leads", PLAIN, traffic(hits, errors))
    (kept,) = not_kept("leads", traffic(hits, errors))
    assert affine.observed == f"{observed}; sessionAffinity None"
    assert kept.observed == observed


def test_a_client_that_meets_two_replicas_is_good_where_nobody_asked_for_affinity():
    assert told(sticking("leads", PLAIN, traffic({"leads-a": 19, "leads-b": 1}))) == ""


def test_a_client_that_sticks_unasked_is_told():
    assert told(sticking("leads", STICKY, traffic({"leads-a": 20}))) == cleandoc(
        """
        leads: the client on node-x sticks to one replica although nobody asked for it
          expected  several replicas over fresh connections (sessionAffinity None)
          observed  leads-a 20; 0 of 20 requests failed; sessionAffinity ClientIP
          hint      session affinity was switched on, or one replica alone is in the endpoints
        """
    )


def test_a_client_without_any_answer_is_not_said_to_stick():
    assert told(sticking("leads", None, traffic({}, {"dns": 20}))) == cleandoc(
        """
        leads: the client on node-x gets no answer
          expected  several replicas over fresh connections (sessionAffinity None)
          observed  nobody; 20 of 20 requests failed; no such Service
        """
    )


def test_no_request_does_not_show_that_a_client_is_balanced():
    (failure,) = sticking("leads", PLAIN, traffic({}))
    assert failure.observed == "nobody; 0 of 0 requests failed; sessionAffinity None"


def test_a_kept_connection_that_stays_is_good():
    assert told(not_kept("leads", traffic({"leads-a": 100}, fresh=False))) == ""


def test_a_kept_connection_that_wanders_is_told():
    assert told(not_kept("leads", traffic({"leads-a": 50, "leads-b": 49}, {"reset": 1}, fresh=False))) == cleandoc(
        """
        leads: a kept connection from node-x does not stay with its replica
          expected  one replica answers every request: connections are balanced, not requests
          observed  leads-a 50, leads-b 49; 1 of 100 requests failed
          hint      connections are cut, or something between balances requests
        """
    )
