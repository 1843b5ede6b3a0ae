"""Customers who stay with their replica, who are spread, and who go on when it dies."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.regulars import deserted, huddling, nobody_lost, not_staying, strangers
from seatrial.observe.customers import Reply
from seatrial.observe.regulars import Visits
from seatrial.system_gateway import Affinity, Route

from .traffic import pod, told

HEADER = "X-Served-By"
BY_COOKIE = Route(path="/basket", service="shop", affinity=Affinity(cookie="basket"))
BY_HEADER = Route(path="/basket", service="shop", affinity=Affinity(header="X-Customer"))
COOKIE = "basket=06e4; Path=/; Secure"


def reply(who: str, at: float = 0.0, cookie: str = COOKIE) -> Reply:
    """Return an answer of the replica ``shop-<who>``; ``!`` stands for none, ``5`` for an error, ``?`` for no name."""
    headers = {"set-cookie": cookie} if cookie else {}
    if who == "!":
        return Reply("GET", "https://shop.test/basket", {}, error="timed out", start=at)
    if who == "5":
        return Reply("GET", "https://shop.test/basket", {}, 503, headers, start=at)
    named = headers if who == "?" else {**headers, "x-served-by": f"shop-{who}"}
    return Reply("GET", "https://shop.test/basket", {}, 200, named, start=at)


def visits(*customers: str, cookie: str = COOKIE) -> tuple[Visits, ...]:
    """Return one customer for each text, with an answer for each letter of it."""
    return tuple(
        Visits(number, tuple(reply(who, cookie=cookie) for who in text)) for number, text in enumerate(customers, 1)
    )


def test_customers_who_stay_are_good_whichever_replica_they_met():
    assert told(not_staying(BY_COOKIE, visits("aaa", "bbb", "aaa"), HEADER)) == ""


def test_customers_who_wander_are_told_each_with_whom_they_met():
    assert told(not_staying(BY_COOKIE, visits("aab", "bbb", "abc"), HEADER)) == cleandoc(
        """
        /basket: customers do not stay with one replica
          expected  HTTP 200 from one replica alone for each customer (cookie basket)
          observed  2 of 3 customers: not so
                    customer 1: shop-a 2, shop-b 1
                    customer 3: shop-a 1, shop-b 1, shop-c 1
          hint      the gateway gives the cookie basket, and does not heed it
        """
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [("aa5", "shop-a 2, HTTP 503 1"), ("a!!", "timed out 2, shop-a 1"), ("???", "nobody named 3"), ("", "no answer")],
)
def test_a_customer_must_be_answered_well_each_time_and_by_name(text: str, line: str):
    assert f"            customer 1: {line}\n" in told(not_staying(BY_COOKIE, visits(text), HEADER)) + "\n"


@pytest.mark.parametrize("cookie", ["", "other=1; Path=/", "a,b;=\x01"])
def test_a_gateway_that_gives_no_cookie_is_told_so(cookie: str):
    failure = told(not_staying(BY_COOKIE, visits("ab", cookie=cookie), HEADER))
    assert failure.endswith("  hint      the gateway gives no cookie basket")


def test_a_gateway_that_does_not_choose_by_the_header_is_told_so():
    failure = told(not_staying(BY_HEADER, visits("ab"), HEADER))
    assert "(header X-Customer)" in failure
    assert failure.endswith("  hint      the gateway does not choose by the header X-Customer")


def test_where_no_customer_came_nothing_is_shown():
    assert told(not_staying(BY_COOKIE, (), HEADER)) == cleandoc(
        """
        /basket: customers do not stay with one replica
          expected  HTTP 200 from one replica alone for each customer (cookie basket)
          observed  no customer came
        """
    )


def test_customers_who_meet_two_replicas_are_spread():
    assert told(huddling(BY_COOKIE, visits("aa", "aa", "bb"), HEADER, 3)) == ""


def test_customers_who_all_meet_one_replica_are_told_with_the_chance_of_that():
    assert told(huddling(BY_COOKIE, visits(*["aa"] * 14), HEADER, 3)) == cleandoc(
        """
        /basket: all 14 customers meet the same replica
          expected  several of 3 replicas; by chance all meet one with probability 6e-07
          observed  shop-a
          hint      the choice follows something that all customers have in common, for instance their address
        """
    )


def test_where_nobody_answers_nobody_is_spread():
    assert "observed  no answer" in told(huddling(BY_COOKIE, (), HEADER, 3))


def replies(text: str, first: float, step: float = 1.0) -> list[Reply]:
    return [reply(who, first + number * step) for number, who in enumerate(text)]


@pytest.mark.parametrize("text", ["aaa5!bbb", "bbbbbbbb", "aaaa5ccc"])
def test_what_happens_before_the_bound_is_forgiven(text: str):
    assert told(deserted(BY_COOKIE, replies(text, 100.5), HEADER, "shop-a", 100.0, 5.0)) == ""


def test_who_is_still_sent_to_the_victim_after_the_bound_is_told_with_the_time():
    assert told(deserted(BY_COOKIE, replies("bbbbbb5a!b", 100.5), HEADER, "shop-a", 100.0, 5.0)) == cleandoc(
        """
        /basket: customers of shop-a are not served when it is gone
          expected  HTTP 200 from another replica, from 5 s after its deletion on
          observed  3 of 5 not so, the last 8.5 s after it: HTTP 503 1, shop-a 1, timed out 1
          hint      the gateway still sends them to the replica that is gone
        """
    )


def test_an_answer_without_a_name_is_nobodys():
    assert "1 of 1 not so, the last 6.0 s after it: nobody named 1" in told(
        deserted(BY_COOKIE, [reply("?", 106.0)], HEADER, "shop-a", 100.0, 5.0)
    )


def test_where_nobody_asked_after_the_bound_nothing_is_shown():
    assert told(deserted(BY_COOKIE, replies("bbb", 100.0), HEADER, "shop-a", 100.0, 5.0)) == cleandoc(
        """
        /basket: customers of shop-a are not served when it is gone
          expected  HTTP 200 from another replica, from 5 s after its deletion on
          observed  nobody asked after the bound
        """
    )


def test_only_replicas_of_the_service_may_answer():
    answers = replies("ab5!", 0.0)
    assert told(strangers(BY_COOKIE, answers, HEADER, {"shop-a", "shop-b"})) == ""
    assert told(strangers(BY_COOKIE, [*answers, reply("?")], HEADER, {"shop-b", "shop-c"})) == cleandoc(
        """
        /basket: somebody else than shop answers
          expected  one of shop-b, shop-c
          observed  nobody named, shop-a
        """
    )


def test_a_loss_without_a_victim_or_without_its_customers_proves_nothing():
    victim = pod("a")
    assert told(nobody_lost(BY_COOKIE, victim, [pod("b"), replace(victim, uid="another")], 5)) == ""
    assert told(nobody_lost(BY_COOKIE, victim, [victim], 0)) == cleandoc(
        """
        /basket: leads-a
          missing   its pod is still there after its deletion
          remedy    see the events
        /basket: leads-a
          missing   a customer who was with it
        """
    )
