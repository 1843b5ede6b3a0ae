"""Attempts: how often replicas are asked for one request, while none of them can answer."""

from __future__ import annotations

from inspect import cleandoc

import pytest

from seatrial.checks.attempts import Storm, tried_too_often, unproven
from seatrial.observe.request_log import Attempt

from .traffic import told


def storm(most: int, *tries: int, status: int = 503) -> Storm:
    """Return a storm of one request for each number of tries, by replicas a, b, c … in turn."""
    attempts = tuple(
        Attempt(f"items-{'abcde'[number]}", 1.0, f"id-{request}", status)
        for request, size in enumerate(tries)
        for number in range(size)
    )
    return Storm("GET /items → items", len(tries), attempts, most)


@pytest.mark.parametrize(("most", "tries"), [(2, (2, 1, 0, 2)), (1, (1, 0, 1)), (3, (3,))])
def test_as_many_attempts_as_declared_are_fine_and_none_is_too(most: int, tries: tuple[int, ...]):
    assert told(tried_too_often(storm(most, *tries))) == ""
    assert told(unproven(storm(most, *tries))) == ""


def test_requests_that_were_tried_more_often_are_told_those_with_the_most_first():
    assert told(tried_too_often(storm(2, 2, 3, 0, 5, 3, 3))) == cleandoc(
        """
        GET /items → items: the gateway asks again too often while every replica fails
          expected  at most 2 attempts for each request
          observed  4 of 6 requests were tried more often: 1 × 5 attempts, 3 × 3 attempts; 2.67 a request over all
                    id-3: items-a 503, items-b 503, items-c 503, items-d 503, items-e 503
                    id-1: items-a 503, items-b 503, items-c 503
                    id-4: items-a 503, items-b 503, items-c 503
          hint      more retries than declared
        """
    )


def test_a_request_that_may_not_be_repeated_is_tried_once():
    assert told(tried_too_often(storm(1, 1, 2))) == cleandoc(
        """
        GET /items → items: the gateway asks again too often while every replica fails
          expected  at most 1 attempt for each request
          observed  1 of 2 requests were tried more often: 1 × 2 attempts; 1.50 a request over all
                    id-1: items-a 503, items-b 503
          hint      what may not be repeated is asked again
        """
    )


@pytest.mark.parametrize("tries", [(), (0, 0)])
def test_where_no_replica_was_asked_nothing_is_shown(tries: tuple[int, ...]):
    assert told(unproven(storm(2, *tries))) == cleandoc(
        f"""
        GET /items → items: no attempt was seen
          missing   at least one of {len(tries)} requests in the log of a replica
          remedy    see whether the gateway reaches the service at all, and passes X-Request-Id on
        """
    )
    assert storm(2, *tries).factor == 0


def test_where_a_replica_answers_well_nothing_is_shown():
    assert told(unproven(storm(2, 2, 1, status=200))) == cleandoc(
        """
        GET /items → items: not every replica failed
          missing   proof that every replica answers with an error; items-a, items-b did not
          remedy    see whether the fault switch 'failing' does what system.yaml says
        """
    )
