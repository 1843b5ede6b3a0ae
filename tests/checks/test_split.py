"""A share of the traffic for another version: samples of known power, counted and judged."""

from __future__ import annotations

from inspect import cleandoc

import pytest
from scipy import stats

from seatrial.checks.split import Plan, Tally, plan, silent, tally, wrong_share
from seatrial.errors import UsageError
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Route, Split

from .traffic import told

ROUTE = Route(path="/users", service="users", split=Split(service="users-next", percent=10))
CURRENT, OTHER = {"users-a", "users-b"}, {"next-a"}
PLAN = Plan(0.1, 2011, 139, 270, 1e-6)


def planned(percent: int, skew: float = 2.0) -> Plan:
    return plan(percent, alpha=1e-6, power=0.999, smallest_skew=skew)


def test_one_in_ten_takes_two_thousand_requests():
    assert planned(10) == PLAN


@pytest.mark.parametrize(
    ("percent", "skew"),
    [(1, 2.0), (1, 4.0), *((percent, skew) for percent in (10, 25, 50, 90) for skew in (1.5, 2, 4))],
)
def test_a_plan_has_its_error_rate_and_its_power(percent: int, skew: float):
    made = planned(percent, skew)

    def out(share: float) -> float:
        binomial = stats.binom(made.size, share)
        return float(binomial.cdf(made.fewest - 1) + binomial.sf(made.most))

    odds = made.share / (1 - made.share)
    assert out(made.share) <= made.alpha
    assert all(out(factor * odds / (1 + factor * odds)) >= 0.999 for factor in (skew, 1 / skew))


def test_a_plan_that_no_trial_can_bear_is_refused():
    with pytest.raises(UsageError) as caught:
        planned(1, 1.1)
    assert str(caught.value) == (
        "smallest_skew 1.1 at a split of 1 % needs more than 50,000 requests; declare a larger skew, or a larger share"
    )


def replies(**hits: int) -> list[Reply]:
    return [
        Reply("GET", "https://shop.test/users", {}, 200, {"x-served-by": name.replace("_", "-")} if name != "x" else {})
        for name, number in hits.items()
        for _ in range(number)
    ]


def counted(**hits: int) -> Tally:
    return tally(replies(**hits), "X-Served-By", CURRENT, OTHER, PLAN)


def test_answers_are_counted_by_version_with_the_interval_of_the_share():
    found = counted(users_a=900, users_b=910, next_a=201)
    assert (found.current, found.other, found.total, found.strangers) == (1810, 201, 2011, ())
    assert found.low < 0.1 < found.high
    assert found.probability == pytest.approx(stats.binomtest(201, 2011, 0.1).pvalue)


@pytest.mark.parametrize("other", [138, 139, 270, 271])
def test_the_interval_holds_the_declared_share_exactly_where_the_count_is_accepted(other: int):
    found = counted(users_a=2011 - other, next_a=other)
    assert (found.low <= 0.1 <= found.high) is (PLAN.fewest <= other <= PLAN.most)
    assert bool(told(wrong_share(ROUTE, found, PLAN))) is not (PLAN.fewest <= other <= PLAN.most)


def test_both_versions_must_answer():
    assert told(silent(ROUTE, counted(users_a=1, next_a=1))) == ""
    assert told(silent(ROUTE, counted(users_a=2011))) == cleandoc(
        """
        /users: nobody of users-next answers
          expected  answers of both users and users-next
          observed  users 2011, users-next 0
          hint      no share of the route leads there, or nothing is behind it
        """
    )


def test_where_nobody_answers_both_are_told():
    assert [line for line in told(silent(ROUTE, counted())).splitlines() if "nobody" in line] == [
        "/users: nobody of users answers",
        "/users: nobody of users-next answers",
    ]


def test_nobody_else_may_answer():
    assert told(silent(ROUTE, counted(users_a=1, next_a=1, leads_a=2, x=1))) == cleandoc(
        """
        /users: somebody else answers
          expected  replicas of users and users-next
          observed  nobody named, leads-a
        """
    )


def test_a_share_that_is_not_kept_is_told_with_what_it_must_be():
    assert told(wrong_share(ROUTE, counted(users_a=1711, next_a=300), PLAN, "split.json")) == cleandoc(
        """
        /users: users-next does not get its share
          expected  10%: 139 to 270 of 2011 requests (alpha=1e-06)
          observed  300 (14.9%): its share is between 11.3% and 19.1% (p=5e-12)
          hint      the weights are not those that are declared
          evidence  split.json
        """
    )


def test_a_sample_that_is_too_small_tells_nothing():
    assert told(wrong_share(ROUTE, counted(users_a=1809, next_a=201), PLAN)) == cleandoc(
        """
        /users: the sample is too small to tell shares
          expected  2011 answers of either version
          observed  2010
        """
    )
