"""Ejection: a replica that fails while it is ready is left out, and let in again."""

from __future__ import annotations

from collections import Counter
from inspect import cleandoc

import pytest
from scipy import stats

from seatrial.checks.ejection import Spell, fewest, not_left_out, not_let_in, sample_size, unproven
from seatrial.errors import UsageError
from seatrial.observe.request_log import Attempt
from seatrial.system_gateway import Ejection

from .traffic import told

EJECTION = Ejection(failures=5, for_seconds=2)
"""Two gateways in 12 s: at most 2 · 5 · (1 + 6) = 70."""


def spell(victim: int, requests: int = 720, *, status: int = 500, ready: bool = True, seconds: float = 12.0) -> Spell:
    """Return a spell of so many requests: each was answered by a well replica, some asked the victim before."""
    ill = [Attempt("items-a", 1.0, f"id-{number}", status) for number in range(victim)]
    well = [Attempt(f"items-{'bc'[number % 2]}", 2.0, f"id-{number}", 200) for number in range(requests)]
    return Spell("/items", "items-a", 3, 2, seconds, ready, (*ill, *well))


@pytest.mark.parametrize(("seconds", "most"), [(12.0, 70), (0.0, 10), (1.99, 19), (2.0, 20)])
def test_each_gateway_gives_it_so_many_for_each_period_begun(seconds: float, most: int):
    assert spell(0, seconds=seconds).most(EJECTION) == most


def test_the_full_share_counts_requests_and_not_attempts():
    assert (spell(70).share, spell(70).given) == (240, 70)


def test_up_to_the_bound_it_is_left_out():
    for number in (1, 70):
        assert told(unproven(spell(number), EJECTION)) == ""
        assert told(not_left_out(spell(number), EJECTION)) == ""


def test_beyond_the_bound_the_arithmetic_is_told():
    assert told(unproven(spell(71), EJECTION)) == ""
    assert told(not_left_out(spell(71), EJECTION)) == cleandoc(
        """
        /items: replica items-a fails, and is not left out
          expected  at most 70 requests for it (2 gateways × 5 failures × (1 + 12.0 s / 2 s))
          observed  71; its full share is 240
                    items-b 360, items-c 360, items-a 71
          window    12.0 s in which it answered every request with an error, and was ready
          hint      the gateway does not count failures, or forgets them too soon
        """
    )


def test_a_bound_that_is_not_clearly_below_the_full_share_shows_nothing():
    assert told(unproven(spell(10, 420), EJECTION)) == ""
    assert told(unproven(spell(10, 417), EJECTION)) == cleandoc(
        """
        /items: replica items-a and its failures
          missing   more requests: its full share is 139, and 70 are allowed (2 gateways × 5 failures × (1 + 12.0 s / 2 s))
          remedy    raise reads_per_second or reads_seconds until the share is 2 times the bound
        """  # noqa: E501
    )


@pytest.mark.parametrize(("victim", "status"), [(0, 500), (20, 200)])
def test_a_replica_that_is_not_seen_to_fail_shows_nothing(victim: int, status: int):
    assert told(unproven(spell(victim, status=status), EJECTION)) == cleandoc(
        f"""
        /items: replica items-a and its failures
          missing   at least one answer of it with a server error; its log has {victim} requests
          remedy    see whether the gateway reached it before the fault, and what the fault switch 'broken' does
        """
    )


def test_a_replica_that_was_not_ready_shows_nothing():
    assert told(unproven(spell(10, ready=False), EJECTION)) == cleandoc(
        """
        /items: replica items-a and its failures
          missing   proof that it was a ready endpoint all the time: who is not ready is left out by everybody
          remedy    see why its readiness changed; the fault must leave it alone
        """
    )


def test_a_fair_share_is_what_an_even_balancer_gives_but_for_alpha():
    assert 215 < fewest(856, 3, 1e-6) < 230
    assert fewest(856, 3, 1e-6) > 856 / 6, "half a share, which one gateway of two may withhold, is too little"
    assert fewest(0, 3, 1e-6) == 0


@pytest.mark.parametrize("replicas", [1, 2, 3, 10])
def test_a_sample_tells_half_a_share_from_a_fair_one_and_is_no_larger_than_that_takes(replicas: int):
    def missed(size: int) -> float:
        return float(stats.binom.sf(fewest(size, replicas, 1e-6) - 1, size, 1 / (2 * replicas)))

    size = sample_size(replicas, alpha=1e-6, power=0.999, smallest_skew=2.0)
    assert missed(size) <= 0.001 < missed(size - 1)


def test_a_skew_that_no_bearable_sample_finds_is_refused():
    with pytest.raises(UsageError, match=r"^smallest_skew 1\.001 at 3 replicas needs more than 200,000 requests;"):
        sample_size(3, alpha=1e-6, power=0.999, smallest_skew=1.001)


def let_in(**hits: int) -> str:
    counts = Counter({f"items-{letter}": number for letter, number in hits.items()})
    return told(not_let_in("/items", "items-a", counts, 3, 20, 1e-6))


def test_a_replica_with_a_fair_share_is_let_in_whatever_the_others_get():
    least = fewest(856, 3, 1e-6)
    assert let_in(a=least, b=856 - least) == ""
    assert let_in(a=286, b=285, c=285) == ""


def test_a_replica_with_less_is_not_let_in():
    least = fewest(856, 3, 1e-6)
    assert let_in(a=143, b=357, c=356) == cleandoc(
        f"""
        /items: replica items-a is well again, and not let in
          expected  at least {least} of 856 requests within 20 s (1 of 3 each; alpha=1e-06)
          observed  items-b 357, items-c 356, items-a 143
          hint      the gateway, or one replica of it, leaves it out for longer than declared
        """
    )
    assert let_in(a=least - 1, b=856 - least + 1) != ""


def test_where_nobody_answered_nobody_was_let_in():
    assert "observed  no answer" in let_in()
