"""Turns: errors that customers see, exact shares, and a slow replica that is spared, or not."""

from __future__ import annotations

from collections import Counter
from inspect import cleandoc

import pytest

from seatrial.checks.turns import count, not_spared, out_of_turn, unanswered
from seatrial.observe.customers import Reply

from .traffic import told

REPLICAS = ("items-a", "items-b", "items-c")


def replies(status: int, times: int = 1, error: str = "", by: str = "") -> tuple[Reply, ...]:
    return (
        Reply("GET", "https://shop.test/items", {}, status, {"x-served-by": by} if by else {}, error=error),
    ) * times


def counts(**hits: int) -> Counter[str]:
    return Counter({f"items-{letter}": number for letter, number in hits.items()})


def test_answers_are_counted_by_the_replica_that_they_name_whatever_the_headers_case():
    answers = (*replies(200, 2, by="items-a"), *replies(503, by="items-b"), *replies(200), *replies(0, error="reset"))
    assert count(answers, "X-Served-By") == {"items-a": 2, "items-b": 1, "": 2}
    assert count((), "X-Served-By") == {}


def test_answers_of_another_version_are_left_out():
    answers = (*replies(200, 2, by="items-a"), *replies(200, 3, by="next-a"), *replies(200, by="x"))
    assert count(answers, "X-Served-By", {"next-a", "next-b"}) == {"items-a": 2, "x": 1}


def test_customers_who_get_the_declared_answer_see_no_errors():
    assert told(unanswered("/items", replies(202, 3), 202)) == ""


def test_errors_are_told_by_kind_the_most_frequent_first():
    answers = (*replies(200, 90), *replies(503, 3), *replies(0, 6, error="timed out"), *replies(404))
    assert told(unanswered("/items", answers, 200, "nobody else was asked")) == cleandoc(
        """
        /items: customers see errors
          expected  HTTP 200 for each request
          observed  10 of 100: 6 × timed out, 3 × HTTP 503, 1 × HTTP 404
          hint      nobody else was asked
        """
    )


def test_a_good_answer_of_another_status_is_an_error():
    assert told(unanswered("/items", replies(200), 202)) == cleandoc(
        """
        /items: customers see errors
          expected  HTTP 202 for each request
          observed  1 of 1: 1 × HTTP 200
        """
    )


def test_where_nobody_asked_nothing_is_shown():
    assert told(unanswered("/items", (), 200)) == cleandoc(
        """
        /items: customers see errors
          expected  HTTP 200 for each request
          observed  nobody asked
        """
    )


@pytest.mark.parametrize(
    ("hits", "turns"),
    [
        ({"a": 40, "b": 40, "c": 40}, 1),
        ({"a": 42, "b": 38, "c": 40}, 1),
        ({"a": 43, "b": 37, "c": 40}, 2),
        ({"a": 4, "b": 3, "c": 3}, 1),
    ],
)
def test_each_who_takes_turns_may_be_one_ahead_or_behind(hits: dict[str, int], turns: int):
    assert told(out_of_turn("/items", counts(**hits), REPLICAS, turns)) == ""


@pytest.mark.parametrize("hits", [{"a": 43, "b": 38, "c": 39}, {"a": 41, "b": 42, "c": 37}])
def test_a_replica_that_is_too_far_ahead_or_behind_is_out_of_turn(hits: dict[str, int]):
    assert len(list(out_of_turn("/items", counts(**hits), REPLICAS, 1))) == 1


def out_of_turn_text(counted: Counter[str], replicas: tuple[str, ...] = REPLICAS) -> str:
    return told(out_of_turn("/items", counted, replicas, 2))


def test_shares_that_are_not_exact_are_told_with_what_each_got():
    assert out_of_turn_text(counts(a=70, b=50)) == cleandoc(
        """
        /items: requests are not handed out by turns
          expected  40 of 120 for each of 3 replicas, give or take 3
          observed  items-a 70, items-b 50
          hint      another algorithm than declared, or a replica was left out for a while
        """
    )


def test_who_is_no_replica_may_not_answer_though_all_shares_are_exact():
    assert out_of_turn_text(counts(a=40, b=40, c=40, x=1) + Counter({"": 2})) == cleandoc(
        """
        /items: requests are not handed out by turns
          expected  41 of 123 for each of 3 replicas, give or take 3
          observed  items-a 40, items-b 40, items-c 40, nobody named 2, items-x 1
          hint      another algorithm than declared, or a replica was left out for a while
        """
    )


@pytest.mark.parametrize("replicas", [REPLICAS, ()])
def test_where_nobody_answered_no_turns_were_taken(replicas: tuple[str, ...]):
    assert out_of_turn_text(Counter(), replicas) == cleandoc(
        f"""
        /items: requests are not handed out by turns
          expected  0 of 0 for each of {len(replicas)} replicas, give or take 3
          observed  no answer
          hint      another algorithm than declared, or a replica was left out for a while
        """
    )


@pytest.mark.parametrize("slow", [0, 1, 30])
def test_a_slow_replica_with_at_most_three_quarters_of_its_share_is_spared(slow: int):
    assert told(not_spared("/items", counts(a=slow, b=60, c=60 - slow), "items-a", 3)) == ""


def test_a_slow_replica_with_more_is_not_spared():
    assert told(not_spared("/items", counts(a=31, b=45, c=44), "items-a", 3)) == cleandoc(
        """
        /items: the slow replica items-a is not spared
          expected  at most 30 of 120 requests, 75% of its share
          observed  items-b 45, items-c 44, items-a 31
          hint      requests are handed out by turns, or at random
        """
    )


@pytest.mark.parametrize("replicas", [3, 0])
def test_where_nobody_answered_nobody_was_spared(replicas: int):
    assert told(not_spared("/items", Counter(), "items-a", replicas)) == cleandoc(
        """
        /items: the slow replica items-a is not spared
          expected  at most 0 of 0 requests, 75% of its share
          observed  no answer
          hint      requests are handed out by turns, or at random
        """
    )
