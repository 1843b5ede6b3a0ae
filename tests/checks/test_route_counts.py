"""The gateway's count and the customers' own, reconciled route by route."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.route_counts import miscounted, sent, uncountable, unread, untimed
from seatrial.observe.customers import Reply
from seatrial.observe.route_counts import RouteCounts
from seatrial.system_gateway import Route

from .traffic import told

ITEMS, ORDERS = Route(path="/items", service="items"), Route(path="/orders", service="orders")
REPLICAS = frozenset({"gate-1", "gate-2"})
BEFORE = RouteCounts(REPLICAS, (), Counter({("/items", "2xx"): 100, ("/items", "5xx"): 1}), Counter({"/items": 101}))


def answered(items: str = "", orders: str = "") -> list[tuple[Route, Reply]]:
    """Return one request for each word, with that status; ``-`` stands for no answer."""
    return [
        (route, Reply("GET", f"https://shop.test{route.path}", {}, 0 if status == "-" else int(status), error="lost"))
        for route, text in ((ITEMS, items), (ORDERS, orders))
        for status in text.split()
    ]


CUSTOMERS = answered("200 200 404", "202 401")


def after(grown: dict[tuple[str, str], int], timed: dict[str, int] | None = None) -> RouteCounts:
    return replace(BEFORE, answers=BEFORE.answers + Counter(grown), timed=BEFORE.timed + Counter(timed or {}))


EXACT = {("/items", "2xx"): 2, ("/items", "4xx"): 1, ("/orders", "2xx"): 1, ("/orders", "4xx"): 1}
TIMED = {"/items": 3, "/orders": 2}


def test_customers_count_by_route_and_class():
    assert sent(CUSTOMERS) == EXACT
    assert sent(answered("-")) == {("/items", "?"): 1}


def test_counts_that_agree_are_good():
    now = after(EXACT, TIMED)
    assert told([*uncountable(BEFORE, now, CUSTOMERS), *unread(now)]) == ""
    assert told([*miscounted(BEFORE, now, CUSTOMERS), *untimed(BEFORE, now, CUSTOMERS)]) == ""


@pytest.mark.parametrize(
    ("orders", "observed", "hint"),
    [
        ({}, "none", "the route has another label, or none, in the gateway's metrics"),
        ({"2xx": 2}, "2 × 2xx", "the status that is counted is not the one that customers get"),
        ({"4xx": 1}, "1 × 4xx", "answers are lost on the way to the counter"),
        ({"2xx": 1, "4xx": 1, "5xx": 1}, "1 × 2xx, 1 × 4xx, 1 × 5xx", "somebody else sent, or they are counted twice"),
    ],
)
def test_a_route_that_is_counted_otherwise_is_told_with_both_counts(orders: dict[str, int], observed: str, hint: str):
    now = after({("/items", "2xx"): 2, ("/items", "4xx"): 1, **{("/orders", kind): n for kind, n in orders.items()}})
    assert told(miscounted(BEFORE, now, CUSTOMERS)) == cleandoc(
        f"""
        /orders: the gateway's count of its answers is not the customers'
          expected  1 × 2xx, 1 × 4xx
          observed  {observed}, counted by gate-1, gate-2
          window    2 requests
          hint      {hint}
        """
    )


def test_answers_that_are_not_timed_are_told():
    assert told(untimed(BEFORE, after(EXACT, {"/items": 3}), CUSTOMERS)) == cleandoc(
        """
        /orders: the gateway has not timed every answer
          expected  2 answers in its latency histogram
          observed  0
          hint      the route has another label, or none, in the gateway's metrics
        """
    )


def test_replicas_that_cannot_be_read_are_told_each_with_the_reason():
    assert told(unread(RouteCounts(frozenset({"gate-1"}), ("gate-2: HTTP 503 refused",)))) == cleandoc(
        """
        the gateway does not tell what it counted
          expected  metrics of each of its replicas
          observed  1 of 2 without
                    gate-2: HTTP 503 refused
          hint      nobody listens on the declared port, or not for that path
        """
    )


def test_a_gateway_without_replicas_counts_nothing():
    assert "observed  no replica" in told(unread(RouteCounts()))


def test_replicas_that_came_or_went_meanwhile_leave_no_verdict():
    now = replace(after(EXACT, TIMED), replicas=frozenset({"gate-2", "gate-3"}))
    assert told(uncountable(BEFORE, now, CUSTOMERS)) == cleandoc(
        """
        the gateway's metrics
          missing   the same replicas before and after
                    gate-1, gate-3
          remedy    try again when it is at rest
        """
    )


@pytest.mark.parametrize("lost", [{"answers": Counter({("/items", "2xx"): 99})}, {"timed": Counter({"/items": 100})}])
def test_counters_that_were_set_back_leave_no_verdict(lost: dict[str, Counter[object]]):
    text = told(uncountable(BEFORE, replace(BEFORE, **lost), CUSTOMERS))
    assert "missing   counters that were not set back meanwhile" in text


def test_a_request_without_an_answer_leaves_no_verdict():
    assert told(uncountable(BEFORE, BEFORE, answered("200 -", "404"))) == cleandoc(
        """
        the customers' own count
          missing   an answer to every request
                    /items: no answer: lost
        """
    )


def test_good_answers_alone_say_nothing_about_errors():
    text = told(uncountable(BEFORE, BEFORE, answered("200 200", "202")))
    assert "missing   an answer that is an error: every request was a good one" in text
