"""What a way costs: paired blocks, bounds that keep what they promise, and doubts that say what would settle them."""

from __future__ import annotations

import random
from dataclasses import replace
from inspect import cleandoc

import numpy as np
import pytest

from seatrial.checks.slowdown import (
    Compared,
    Margin,
    Slowdown,
    draw_turns,
    not_comparable,
    settling_blocks,
    slowdowns,
    too_slow,
    undecided,
)
from seatrial.observe.records import Request, Traffic

from .traffic import told

MARGIN = Margin(3.0, 0.99)
FOUND = Slowdown(0.5, 0.02, 0.01, 1.8, 2.3, 30)


def compared(
    ratio: float,
    *,
    pairs: int = 30,
    block: int = 20,
    spread: float = 0.3,
    drift: float = 0.0,
    seed: int = 1,
    failed: dict[str, int] | None = None,
) -> Compared:
    """Return blocks of which those of the judged way take ``ratio`` times as long; ``drift`` disturbs whole pairs."""
    chance = np.random.default_rng(seed)
    turns = draw_turns(pairs, random.Random(seed))
    weather = np.repeat(np.exp(chance.normal(0, drift, pairs)), 2)
    broken = dict(failed or {})
    requests = []
    for number, turn in enumerate(turns):
        for _ in range(block):
            due = len(requests) * 0.01
            took = 0.01 * weather[number] * np.exp(chance.normal(0, spread)) * (ratio if turn == "0" else 1.0)
            error = "timeout" if broken.get(turn, 0) else ""
            broken[turn] = broken.get(turn, 0) - bool(error)
            requests.append(Request(due, due, due + took, 0 if error else 200, "", error))
    traffic = Traffic("node-a", "https://gateway", False, tuple(requests))
    return Compared("GET /x → leads, through the gateway", traffic, turns, block, 200, 1.0)


def judged(given: Compared, margin: Margin = MARGIN) -> str:
    found = slowdowns(given, margin.confidence, 7)
    failed = told(too_slow(given, found, margin, "the gateway waits", "slowdown.csv"))
    return failed or told(undecided(given, found, margin))


def test_each_pair_has_both_ways_in_either_order():
    turns = draw_turns(200, random.Random(3))
    pairs = [turns[start : start + 2] for start in range(0, 400, 2)]
    assert set(pairs) == {"01", "10"}
    assert 60 < pairs.count("01") < 140
    assert turns == draw_turns(200, random.Random(3)) != draw_turns(200, random.Random(4))


def test_blocks_are_told_apart_by_their_turns():
    requests = tuple(Request(n, n, n + 1 + n, 200, "", "") for n in range(8))
    given = Compared("x", Traffic("n", "u", False, requests), "0110", 2, 200, 1.0)
    assert [list(block) for block in given.seconds("0")] == [[1, 2], [7, 8]]
    assert [list(block) for block in given.seconds("1")] == [[3, 4], [5, 6]]


def test_latency_counts_from_when_a_request_was_due():
    given = Compared("x", Traffic("n", "u", False, (Request(1, 3, 4, 200, "", ""),)), "0", 1, 200, 1.0)
    assert [list(block) for block in given.seconds("0")] == [[3]]


def test_the_ratio_is_that_of_all_requests_of_each_way():
    given = compared(2.0)
    p50, p95, p99 = slowdowns(given, 0.99, 7)
    for each, part in ((p50, 0.5), (p95, 0.95), (p99, 0.99)):
        slow, direct = (np.concatenate(given.seconds(way)) for way in "01")
        assert each.slow == np.quantile(slow, part, method="inverted_cdf")
        assert each.direct == np.quantile(direct, part, method="inverted_cdf")
        assert each.low < each.ratio < each.high
    assert (p50.name, p95.name, p99.name, p50.blocks) == ("p50", "p95", "p99", 30)


def test_bounds_follow_the_seed_and_hardly_depend_on_it():
    given = compared(2.0)
    first, again, other = (slowdowns(given, 0.99, seed)[0] for seed in (1, 1, 2))
    assert first == again
    assert first.low == pytest.approx(other.low, rel=0.05)
    assert first.high == pytest.approx(other.high, rel=0.05)


def test_bounds_are_as_wrong_as_the_confidence_says():
    """At 90 % one bound in ten may lie on the wrong side of the truth; blocks are as noisy as a busy machine's."""
    found = [slowdowns(compared(2.0, drift=0.5, block=10, seed=seed), 0.9, seed)[0] for seed in range(100)]
    for wrong in (sum(each.low > 2 for each in found), sum(each.high < 2 for each in found)):
        assert 2 <= wrong <= 24


def test_what_disturbs_both_blocks_of_a_pair_alike_cancels_out():
    calm, stormy = (slowdowns(compared(2.0, drift=drift), 0.99, 7)[0] for drift in (0.0, 1.0))
    assert stormy.high / stormy.low < 3 * calm.high / calm.low


@pytest.mark.parametrize("ratio", [0.8, 1.0, 2.0])
def test_a_way_that_costs_less_than_declared_is_good(ratio: float):
    assert judged(compared(ratio)) == ""


def test_a_way_that_costs_more_is_told():
    assert judged(compared(9.0, failed={"0": 5}, spread=0.01)) == cleandoc(
        """
        GET /x → leads, through the gateway: it costs more time than declared
          expected  p50 and p95 at most 3 times as long as directly, at 99% confidence
          observed  p50 9.00 times (8.99 to 9.01): 90.0 ms, directly 10.0 ms
                    p95 9.00 times (8.96 to 9.03): 91.5 ms, directly 10.2 ms
                    p99 9.02 times (8.92 to 97.90): 92.3 ms, directly 10.2 ms
                    5 requests failed
          window    1,200 requests in 60 blocks by turns, over kept connections, from node-a
          hint      the gateway waits
          evidence  slowdown.csv
        """
    )


def test_one_quantile_alone_can_be_too_slow():
    given = compared(1.0)
    found = [replace(FOUND, quantile=0.5), replace(FOUND, quantile=0.95, slow=0.05, low=4.0, high=6.0)]
    (failure,) = too_slow(given, found, MARGIN, "")
    assert failure.expected.startswith("p95 at most 3 times")
    assert failure.details[0].startswith("p50 2.00 times")


def test_the_tail_of_the_tail_is_told_and_not_judged():
    found = [FOUND, replace(FOUND, quantile=0.95), replace(FOUND, quantile=0.99, low=9.0, high=90.0)]
    assert told(too_slow(compared(1.0), found, MARGIN, "")) == told(undecided(compared(1.0), found, MARGIN)) == ""


def test_bounds_on_both_sides_are_a_doubt_with_the_number_of_blocks_that_would_settle_it():
    found = [replace(FOUND, slow=0.025, low=2.0, high=3.5), FOUND, replace(FOUND, quantile=0.99)]
    assert told(undecided(compared(1.0), found, MARGIN)) == cleandoc(
        """
        GET /x → leads, through the gateway
          missing   blocks enough to tell whether it takes at most 3 times as long as directly, at 99% confidence
                    p50 2.50 times (2.00 to 3.50): 25.0 ms, directly 10.0 ms
                    p50 2.00 times (1.80 to 2.30): 20.0 ms, directly 10.0 ms
                    p99 2.00 times (1.80 to 2.30): 20.0 ms, directly 10.0 ms
                    1,200 requests in 60 blocks by turns, over kept connections, from node-a
          remedy    declare slowdown_blocks: 103
        """
    )


@pytest.mark.parametrize("ratio", [2.6, 3.4])
def test_so_many_blocks_do_settle_it(ratio: float):
    doubtful = next(
        found
        for seed in range(50)
        if (found := slowdowns(compared(ratio, drift=0.2, spread=0.9, seed=seed), 0.99, 7)[0]).low <= 3 <= found.high
        and 0.05 < abs(np.log(found.ratio / 3)) < 0.3
    )
    pairs = settling_blocks(doubtful, MARGIN)
    assert pairs is not None
    assert pairs > 30


@pytest.mark.parametrize(("ratio", "blocks"), [(3.0, None), (2.9999, None), (2.5, 103), (4.0, 106)])
def test_nearer_to_the_bound_it_takes_more_blocks(ratio: float, blocks: int | None):
    given = replace(FOUND, slow=ratio * 0.01, low=ratio / 1.714, high=ratio * 1.4)
    assert settling_blocks(given, MARGIN) == blocks


def test_a_doubt_that_no_number_of_blocks_would_settle_says_so():
    found = [replace(FOUND, slow=0.03, low=2.0, high=4.0)]
    assert "remedy    it lies so near the bound that no number of blocks would tell" in told(
        undecided(compared(1.0), found, MARGIN)
    )


def test_requests_that_fail_count_as_ones_that_take_all_the_time():
    given = compared(1.0, failed={"0": 330})
    assert slowdowns(given, 0.99, 7)[0].slow == pytest.approx(1.0, abs=0.02)
    assert "costs more time than declared" in judged(given)


def test_a_direct_way_that_does_not_work_is_nothing_to_compare_with():
    assert told(not_comparable(compared(1.0, failed={"1": 6}))) == ""
    assert told(not_comparable(compared(1.0, failed={"1": 7}))) == cleandoc(
        """
        GET /x → leads, through the gateway
          missing   a direct way that works: there is nothing to compare with
                    7 of 600 direct requests failed
          remedy    mend it first: the direct port of the service, and what the trial asks there
        """
    )


def test_requests_that_are_missing_are_told():
    given = compared(1.0)
    short = replace(given, traffic=replace(given.traffic, requests=given.traffic.requests[:-1]))
    assert "missing   1,200 requests; there are 1,199" in told(not_comparable(short))
