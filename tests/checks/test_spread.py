"""Spread: samples of the right size, and what an even balancer, a skewed one and a broken one look like."""

from __future__ import annotations

from inspect import cleandoc

import numpy as np
import pytest
from scipy import stats

from seatrial.checks.spread import count, not_only_by, plan, uneven
from seatrial.errors import UsageError

from .traffic import URL, pods, told, traffic

ALPHA, POWER = 1e-6, 0.999
PLAN = plan(3, alpha=ALPHA, power=POWER, smallest_skew=2.0)
LETTERS = "abcdefghij"


def sample(*hits: int, errors: dict[str, int] | None = None, **others: int):
    """Return answers of leads-a, leads-b … in turn, of others by name, and failed requests."""
    names = {f"leads-{letter}": hit for letter, hit in zip(LETTERS, hits, strict=False)}
    return traffic({**names, **others}, errors)


def judged(*hits: int, evidence: str = "", **more) -> str:
    return told(uneven("leads", URL, sample(*hits, **more), pods("abc"), PLAN, evidence))


def power_of(size: int, replicas: int, factor: float) -> float:
    """Return the power against one replica at ``factor`` times the others' share, computed anew."""
    shares = np.array([factor, *[1.0] * (replicas - 1)])
    shares /= shares.sum()
    even = np.full(replicas, 1 / replicas)
    effect = size * ((shares - even) ** 2 / even).sum()
    return stats.ncx2.sf(stats.chi2.ppf(1 - ALPHA, replicas - 1), replicas - 1, effect)


@pytest.mark.parametrize(
    ("replicas", "critical", "zero_hit", "twice", "half"),
    [(2, 23.9, 21, 574, 574), (3, 27.6, 37, 548, 856), (5, 33.4, 70, 675, 1518), (10, 44.8, 153, 1158, 3453)],
)
def test_the_plan_is_the_least_that_finds_a_doubled_and_a_halved_replica(replicas, critical, zero_hit, twice, half):
    planned = plan(replicas, alpha=ALPHA, power=POWER, smallest_skew=2.0)
    assert planned.critical == pytest.approx(critical, abs=0.05)
    assert stats.chi2.cdf(planned.critical, replicas - 1) == pytest.approx(1 - ALPHA, abs=1e-9)
    assert planned.size == max(zero_hit, twice, half)
    for size, factor in ((twice, 2.0), (half, 0.5)):
        assert power_of(size, replicas, factor) >= POWER > power_of(size - 1, replicas, factor)


@pytest.mark.parametrize(("replicas", "zero_hit"), [(2, 21), (3, 37), (5, 70), (10, 153)])
def test_a_coarse_plan_is_still_large_enough_that_every_healthy_replica_is_hit(replicas, zero_hit):
    assert plan(replicas, alpha=ALPHA, power=0.5001, smallest_skew=1e6).size >= zero_hit
    assert replicas * (1 - 1 / replicas) ** zero_hit <= ALPHA < replicas * (1 - 1 / replicas) ** (zero_hit - 1)


def test_a_smaller_skew_takes_a_larger_sample():
    sizes = [plan(3, alpha=ALPHA, power=POWER, smallest_skew=skew).size for skew in (4.0, 2.0, 1.5, 1.2)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_plan_for_fewer_than_two_replicas_is_refused(replicas):
    with pytest.raises(ValueError, match=f"^{replicas} replicas: balancing needs two$"):
        plan(replicas, alpha=ALPHA, power=POWER, smallest_skew=2.0)


def test_a_skew_that_no_bearable_sample_finds_is_refused():
    with pytest.raises(UsageError) as refusal:
        plan(5, alpha=ALPHA, power=POWER, smallest_skew=1.05)
    assert str(refusal.value) == (
        "smallest_skew 1.05 at 5 replicas needs more than 200,000 connections; declare a larger skew, or fewer replicas"
    )


def test_the_plan_says_all_that_the_verdict_rests_on():
    assert str(PLAN) == "chi-square 27.6 at n=856, alpha=1e-06"


@pytest.mark.parametrize("replicas", [2, 3, 5, 10])
def test_an_even_balancer_is_good(replicas):
    planned = plan(replicas, alpha=ALPHA, power=POWER, smallest_skew=2.0)
    dice = np.random.default_rng(20)
    for _ in range(20):
        hits = dice.multinomial(planned.size, [1 / replicas] * replicas)
        assert told(uneven("leads", URL, sample(*hits), pods(LETTERS[:replicas]), planned)) == ""


def alarms(planned, shares, samples: int, seed: int) -> int:
    """Return how many of so many simulated samples are refused."""
    rows = np.random.default_rng(seed).multinomial(planned.size, np.array(shares) / sum(shares), size=samples)
    replicas = pods(LETTERS[: planned.replicas])
    return sum(any(True for _ in uneven("leads", URL, sample(*hits), replicas, planned)) for hits in rows)


@pytest.mark.parametrize("replicas", [2, 3, 5])
def test_false_alarms_are_as_rare_as_alpha_says(replicas):
    planned = plan(replicas, alpha=0.02, power=0.9, smallest_skew=2.0)
    found = alarms(planned, [1] * replicas, samples=1000, seed=replicas)
    assert stats.binom.ppf(1e-4, 1000, 0.02) <= found <= stats.binom.isf(1e-4, 1000, 0.02)


@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("replicas", [2, 3, 5])
def test_a_skewed_balancer_is_found_as_often_as_the_power_says(replicas, factor):
    planned = plan(replicas, alpha=ALPHA, power=POWER, smallest_skew=2.0)
    missed = 300 - alarms(planned, [factor] + [1] * (replicas - 1), samples=300, seed=replicas)
    assert missed <= stats.binom.isf(1e-4, 300, 1 - POWER)


def test_counts_name_every_expected_replica_and_strangers_behind_them():
    counted = count(sample(5, 0, 7, **{"users-z": 2}), ["leads-c", "leads-b", "leads-a"])
    assert counted.counts == (("leads-a", 5), ("leads-b", 0), ("leads-c", 7), ("users-z", 2))
    assert counted.chi_square == pytest.approx(6.5)
    assert counted.probability == pytest.approx(stats.chi2.sf(6.5, 2))


@pytest.mark.parametrize("expected", [[], ["leads-a"], ["leads-b", "leads-c"]])
def test_counting_where_nothing_can_be_compared_is_no_error(expected):
    counted = count(sample(5), expected)
    assert (counted.chi_square, counted.probability) == (0.0, 1.0)


def test_a_dead_replica_is_told_by_name():
    assert judged(430, 0, 426, evidence="spread.json") == cleandoc(
        """
        leads (lead-platform/leads) from node-x: traffic is not even over its 3 ready pods
          expected  33.3 % each; chi-square 27.6 at n=856, alpha=1e-06
          observed  chi-square 428.0 (p=1e-93)
                    leads-a 50.2 % (430 of 856), on node-a
                    leads-b 0.0 % (0 of 856), on node-b
                    leads-c 49.8 % (426 of 856), on node-c
          hint      nothing reaches leads-b: not selected by the Service, or no rule on node node-x
          evidence  spread.json
        """
    )


def test_a_replica_with_twice_its_share_is_told():
    assert judged(428, 214, 214) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: traffic is not even over its 3 ready pods
          expected  33.3 % each; chi-square 27.6 at n=856, alpha=1e-06
          observed  chi-square 107.0 (p=6e-24)
                    leads-a 50.0 % (428 of 856), on node-a
                    leads-b 25.0 % (214 of 856), on node-b
                    leads-c 25.0 % (214 of 856), on node-c
          hint      rules of the nodes' proxies differ, or connections were reused
        """
    )


def test_a_replica_that_gets_all_is_told():
    assert judged(0, 856, 0) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: traffic is not even over its 3 ready pods
          expected  33.3 % each; chi-square 27.6 at n=856, alpha=1e-06
          observed  chi-square 1712.0 (p=0)
                    leads-a 0.0 % (0 of 856), on node-a
                    leads-b 100.0 % (856 of 856), on node-b
                    leads-c 0.0 % (0 of 856), on node-c
          hint      one replica gets all: session affinity is on, or the others are in no EndpointSlice
        """
    )


def test_several_silent_replicas_are_told_together():
    planned = plan(4, alpha=ALPHA, power=POWER, smallest_skew=2.0)
    (failure,) = uneven("leads", URL, sample(600, 0, 0, 600), pods("abcd"), planned)
    assert failure.hint == "nothing reaches leads-b, leads-c: not selected by the Service, or no rule on node node-x"


def test_a_stranger_is_told_although_the_replicas_share_evenly():
    assert judged(285, 285, 285, **{"users-z": 1}) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: a pod answers that is not a ready replica of this service
          expected  answers from leads-a, leads-b, leads-c
          observed  answers from users-z
                    leads-a 33.3 % (285 of 856), on node-a
                    leads-b 33.3 % (285 of 856), on node-b
                    leads-c 33.3 % (285 of 856), on node-c
                    users-z 0.1 % (1 of 856), not a ready replica of the workload
          hint      the Service's selector matches other pods too
        """
    )


def test_answers_without_a_name_are_not_taken_for_those_of_another_pod():
    assert judged(**{"": 856}) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: a pod answers that is not a ready replica of this service
          expected  answers from leads-a, leads-b, leads-c
          observed  answers from somebody unnamed
                    leads-a 0.0 % (0 of 856), on node-a
                    leads-b 0.0 % (0 of 856), on node-b
                    leads-c 0.0 % (0 of 856), on node-c
                    (no name given) 100.0 % (856 of 856), not a ready replica of the workload
          hint      the answers name no replica
        """
    )


def test_failed_requests_a_stranger_and_a_silent_replica_are_told_together():
    assert judged(400, 400, 0, errors={"refused": 40, "503": 6}, **{"users-z": 10}) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: not every request was answered
          expected  856 good answers
          observed  46 failed: 40 × refused, 6 × HTTP 503
                    leads-a 49.4 % (400 of 810), on node-a
                    leads-b 49.4 % (400 of 810), on node-b
                    leads-c 0.0 % (0 of 810), on node-c
                    users-z 1.2 % (10 of 810), not a ready replica of the workload
          hint      the Service has no endpoint for its port, or one that does not answer
        leads (lead-platform/leads) from node-x: a pod answers that is not a ready replica of this service
          expected  answers from leads-a, leads-b, leads-c
          observed  answers from users-z
                    leads-a 49.4 % (400 of 810), on node-a
                    leads-b 49.4 % (400 of 810), on node-b
                    leads-c 0.0 % (0 of 810), on node-c
                    users-z 1.2 % (10 of 810), not a ready replica of the workload
          hint      the Service's selector matches other pods too
        leads (lead-platform/leads) from node-x: traffic is not even over its 3 ready pods
          expected  33.3 % each; chi-square 27.6 at n=856, alpha=1e-06
          observed  chi-square 400.0 (p=1e-87)
                    leads-a 49.4 % (400 of 810), on node-a
                    leads-b 49.4 % (400 of 810), on node-b
                    leads-c 0.0 % (0 of 810), on node-c
                    users-z 1.2 % (10 of 810), not a ready replica of the workload
          hint      nothing reaches leads-c: not selected by the Service, or no rule on node node-x
        """
    )


def test_requests_that_all_fail_are_told_once():
    assert judged(errors={"timeout": 856}) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: not every request was answered
          expected  856 good answers
          observed  856 failed: 856 × timeout
                    leads-a 0.0 % (0 of 0), on node-a
                    leads-b 0.0 % (0 of 0), on node-b
                    leads-c 0.0 % (0 of 0), on node-c
          hint      the Service has no endpoint for its port, or one that does not answer
        """
    )


def test_no_traffic_is_not_even():
    assert judged() == cleandoc(
        """
        leads (lead-platform/leads) from node-x: no request was made
          expected  at least one request
          observed  none
        """
    )


def test_a_sample_smaller_than_its_plan_tells_nothing():
    assert judged(285, 285, 285) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: the sample is too small to tell
          expected  856 connections
          observed  855
        """
    )


def test_one_replica_alone_is_not_balanced():
    assert told(uneven("leads", URL, sample(856), pods("a"), PLAN)) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: there is nothing to balance
          expected  at least 2 ready pods
          observed  leads-a
        """
    )


def test_answers_where_no_replica_is_ready_are_told():
    assert told(uneven("leads", URL, sample(856), (), PLAN)) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: a pod answers that is not a ready replica of this service
          expected  answers from nobody: no replica is ready
          observed  answers from leads-a
                    leads-a 100.0 % (856 of 856), not a ready replica of the workload
          hint      the Service's selector matches other pods too
        leads (lead-platform/leads) from node-x: there is nothing to balance
          expected  at least 2 ready pods
          observed  none
        """
    )


def test_neither_traffic_nor_replicas_is_a_failure_and_no_error():
    assert told(uneven("leads", URL, sample(), (), PLAN)) == cleandoc(
        """
        leads (lead-platform/leads) from node-x: no request was made
          expected  at least one request
          observed  none
        leads (lead-platform/leads) from node-x: there is nothing to balance
          expected  at least 2 ready pods
          observed  none
        """
    )


def test_own_replicas_may_share_as_they_like_where_only_strangers_are_asked_about():
    assert told(not_only_by("leads", URL, sample(50), pods("abc"))) == ""


def test_no_traffic_does_not_show_that_only_own_replicas_answer():
    (failure,) = not_only_by("leads", URL, sample(), pods("abc"))
    assert failure.subject == "leads (lead-platform/leads) from node-x: no request was made"
