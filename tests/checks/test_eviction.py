"""Replicas that are evicted: one at a time, and one at all."""

from __future__ import annotations

from inspect import cleandoc

from seatrial.checks.eviction import Evictions, not_one_at_a_time, unproven

from .traffic import pod, told


def evictions(granted: int = 201, meanwhile: int = 429, afterwards: int = 201, *, replaced: bool = True) -> Evictions:
    return Evictions("leads", pod("a"), pod("b"), granted, meanwhile, afterwards, replaced)


def test_one_after_the_other_is_good():
    assert [*not_one_at_a_time(evictions()), *unproven(evictions())] == []


def test_two_at_the_same_time_are_a_failure():
    assert told(not_one_at_a_time(evictions(meanwhile=201))) == cleandoc(
        """
        leads: replica leads-b may be evicted while leads-a is not replaced
          expected  refused (HTTP 429): one replica at a time
          observed  HTTP 201: granted
          hint      it has no PodDisruptionBudget, or one that allows more, or selects other pods
        """
    )


def test_none_at_all_is_a_failure_and_nothing_else_is_judged():
    assert told(not_one_at_a_time(evictions(429, 201, 429))) == cleandoc(
        """
        leads: replica leads-a cannot be evicted although all replicas are ready
          expected  granted: a node can be drained
          observed  HTTP 429: refused by a PodDisruptionBudget
          hint      its PodDisruptionBudget allows no disruption, or counts pods that are not there
        """
    )
    assert list(unproven(evictions(429, replaced=False))) == []


def test_one_that_never_goes_is_a_failure():
    assert told(not_one_at_a_time(evictions(afterwards=429))) == cleandoc(
        """
        leads: replica leads-b cannot be evicted although leads-a was replaced
          expected  granted: a drain goes on
          observed  HTTP 429: refused by a PodDisruptionBudget
          hint      its PodDisruptionBudget does not see the replacement
        """
    )


def test_one_that_is_not_replaced_tells_nothing_of_afterwards():
    alone = evictions(afterwards=429, replaced=False)
    assert list(not_one_at_a_time(alone)) == []
    assert told(unproven(alone)) == cleandoc(
        """
        leads: eviction
          missing   a replacement of leads-a
          remedy    see the events and the pods in the evidence
        """
    )
