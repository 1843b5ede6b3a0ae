"""Overflow: what cannot be served is refused at once, and what can be is served."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.overflow import Crowd, badly_refused, beyond_limit, parted, unproven
from seatrial.observe.customers import Reply

from .traffic import told

SERVED = Reply("GET", "https://shop.test/items", {}, 200, {"x-served-by": "items-a"}, start=100.0, seconds=0.35)
REFUSED = Reply("GET", "https://shop.test/items", {}, 503, {}, start=100.0, seconds=0.01)
BROKEN = replace(SERVED, status=503)
LOST = Reply("GET", "https://shop.test/items", {}, error="timed out", start=100.0, seconds=10.0)


def crowd(served: int = 0, refused: int = 0, *more: Reply) -> Crowd:
    """Return a crowd at two gateways that let 4 through each, and have one more wait."""
    return Crowd("/items", 4, 1, 2, 200, (REFUSED,) * refused, (*(SERVED,) * served, *more))


def test_the_gateways_refusals_name_no_replica():
    assert parted([SERVED, REFUSED, BROKEN, LOST], "X-Served-By") == ((REFUSED,), (SERVED, BROKEN, LOST))
    assert parted([], "X-Served-By") == ((), ())


@pytest.mark.parametrize("served", [4, 8, 10])
def test_a_crowd_of_which_as_many_as_declared_are_served_is_fine(served: int):
    kept = crowd(served, 30 - served)
    assert told(unproven(kept)) == told(beyond_limit(kept)) == told(badly_refused(kept, 0.15)) == ""


def test_more_than_declared_are_told():
    assert told(beyond_limit(crowd(11, 19))) == cleandoc(
        """
        /items (at most 4 at the same time for each of 2 gateways): more are let through
          expected  at most 10 of 30 requests at the same moment (1 may wait at each)
          observed  11: 11 × HTTP 200
          hint      a larger limit than declared, or a queue
        """
    )


def test_what_is_let_through_and_lost_counts_too():
    assert told(beyond_limit(crowd(28, 0, BROKEN, LOST))) == cleandoc(
        """
        /items (at most 4 at the same time for each of 2 gateways): more are let through
          expected  at most 10 of 30 requests at the same moment (1 may wait at each)
          observed  30: 28 × HTTP 200, 1 × HTTP 503, 1 × timed out
          hint      no limit on this route
        """
    )


def test_fewer_than_one_gateway_has_room_for_are_told():
    assert told(beyond_limit(crowd(3, 27))) == cleandoc(
        """
        /items (at most 4 at the same time for each of 2 gateways): too few are served
          expected  HTTP 200 for at least 4 of 30: so many have room at one gateway
          observed  3: 27 × HTTP 503, 3 × HTTP 200
          hint      a smaller limit than declared
        """
    )
    assert "hint" not in told(beyond_limit(crowd(3, 26, LOST)))


def test_an_answer_that_is_neither_good_nor_a_refusal_is_told():
    assert told(badly_refused(crowd(8, 20, BROKEN, LOST), 0.15)) == cleandoc(
        """
        /items: a crowd is neither served nor refused
          expected  HTTP 200, or HTTP 503 of the gateway
          observed  2 of 30: 1 × HTTP 503, 1 × timed out
          hint      too many are let through for those who serve them
        """
    )


def test_refusals_that_come_late_are_told():
    late = Crowd("/items", 4, 1, 2, 200, (REFUSED, replace(REFUSED, seconds=0.31), replace(REFUSED, seconds=0.15)), ())
    assert told(badly_refused(late, 0.15)) == cleandoc(
        """
        /items: refusals come late
          expected  each within 0.15 s
          observed  1 of 3 later, the last after 0.31 s
          hint      what cannot be served waits in a queue first
        """
    )


def test_requests_that_were_not_at_the_same_moment_show_nothing():
    assert told(unproven(crowd(8, 21, replace(SERVED, start=100.25)))) == cleandoc(
        """
        /items: requests at the same moment
          missing   more than 10 requests, all within 0.2 s; 29 of 30 were
          remedy    see what keeps this machine busy
        """
    )


@pytest.mark.parametrize(("served", "refused"), [(8, 2), (0, 0)])
def test_a_crowd_no_larger_than_the_limit_shows_nothing(served: int, refused: int):
    size = served + refused
    assert f"more than 10 requests, all within 0.2 s; {size} of {size} were" in told(unproven(crowd(served, refused)))


def test_replicas_that_were_not_slow_show_nothing():
    assert told(unproven(crowd(8, 21, replace(SERVED, seconds=0.12)))) == cleandoc(
        """
        /items: slow replicas
          missing   proof that every answer takes 0.2 s; 1 took less, one 0.12 s
          remedy    see whether the fault switch 'slow' does what system.yaml says
        """
    )
