"""Who suffers: the right number of the right ones, the same for the same seed."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from stakes import pod

from seatrial.chaos.targets import Targets, by_name, choose, named_node, only
from seatrial.errors import UsageError


def of(service: str, number: int, **more: Any) -> tuple[Any, ...]:
    return tuple(pod(f"{service}-{each}", **more) for each in range(1, number + 1))


REPLICAS = {"auth": of("auth", 3), "leads": of("leads", 5), "users": of("users", 2)}
WORKERS = ["worker2", "worker"]


def chosen(select: Any, seed: int = 7, replicas: Any = REPLICAS) -> Targets:
    return choose(select, replicas, WORKERS, random.Random(seed))


def counts(targets: Targets) -> dict[str, int]:
    names = [each.name.split("-")[0] for each in targets.pods]
    return {name: names.count(name) for name in names}


@pytest.mark.parametrize(
    ("select", "numbers"),
    [
        ("one-of-each", {"auth": 1, "leads": 1, "users": 1}),
        ("half-of-each", {"auth": 2, "leads": 3, "users": 1}),
        ("system", {}),
        ("one-node", {}),
    ],
)
def test_a_selection_takes_so_many_of_each_service(select: str, numbers: dict[str, int]) -> None:
    assert counts(chosen(select)) == numbers


@pytest.mark.parametrize(("select", "number"), [("all-of-one", 3), ("one-of-one", 1)])
def test_a_selection_of_one_service_names_it(select: str, number: int) -> None:
    targets = chosen(select, replicas={"auth": REPLICAS["auth"]})
    assert (counts(targets), targets.services) == ({"auth": number}, ("auth",))
    assert {chosen(select, seed).services for seed in range(30)} == {("auth",), ("leads",), ("users",)}


def test_a_seed_repeats_the_choice_whatever_order_the_api_tells_them_in() -> None:
    turned = {name: each[::-1] for name, each in reversed(REPLICAS.items())}
    for seed in range(20):
        assert chosen("half-of-each", seed) == chosen("half-of-each", seed, turned)
        assert chosen("one-node", seed).node == choose("one-node", {}, WORKERS[::-1], random.Random(seed)).node
    assert len({chosen("one-of-each", seed).pattern for seed in range(20)}) > 1


def test_those_that_were_restarted_least_suffer_first() -> None:
    replicas = {"auth": (pod("auth-1", restarts=2), pod("auth-2", restarts=1), pod("auth-3"))}
    assert [each.name for each in chosen("half-of-each", replicas=replicas).pods] == ["auth-3", "auth-2"]


def test_only_ready_replicas_suffer() -> None:
    replicas = {"auth": (pod("auth-1", ready=False), pod("auth-2"))}
    assert [each.name for each in chosen("half-of-each", replicas=replicas).pods] == ["auth-2"]
    with pytest.raises(UsageError) as caught:
        chosen("one-of-each", replicas={"auth": (pod("auth-1", ready=False),)})
    assert str(caught.value) == "auth has no ready replica that could suffer; run 'seatrial chaos heal'"


def test_the_pattern_matches_exactly_the_chosen_and_never_all() -> None:
    pattern = Targets(pods=(pod("auth-1"), pod("a.b-1"))).pattern
    assert [name for name in ("auth-1", "auth-12", "a.b-1", "axb-1") if re.search(pattern, name)] == ["auth-1", "a.b-1"]
    assert not re.search(Targets().pattern, "auth-1")
    assert not re.search(Targets().pattern, "")


def test_a_person_names_targets_by_a_regular_expression() -> None:
    targets = by_name("^(auth|users)-2$", REPLICAS)
    assert ([each.name for each in targets.pods], targets.services) == (["auth-2", "users-2"], ("auth", "users"))


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("", "--targets is empty and would name every replica; give a regular expression of names"),
        ("^leads$", "--targets ^leads$: matches no ready replica; there are auth-1, auth-2"),
        ("(", "--targets (: is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)
def test_targets_that_name_nobody_are_told(pattern: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        by_name(pattern, {"auth": of("auth", 2)})
    assert str(caught.value) == told


def test_a_service_or_node_that_is_not_there_is_told() -> None:
    assert list(only(("users",), REPLICAS)) == ["users"]
    assert only((), REPLICAS) == REPLICAS
    with pytest.raises(UsageError) as caught:
        only(("lead",), REPLICAS)
    assert str(caught.value) == "--service lead: there is no such service; give auth, leads, users"
    assert named_node("worker", WORKERS) == "worker"
    with pytest.raises(UsageError) as caught:
        named_node("control", WORKERS)
    assert str(caught.value) == "--node control: is no ready worker node of this cluster; there are worker, worker2"


def test_a_cluster_without_workers_has_no_node_to_lose() -> None:
    with pytest.raises(UsageError, match="there is no ready worker node that could suffer"):
        choose("one-node", REPLICAS, [], random.Random(1))
