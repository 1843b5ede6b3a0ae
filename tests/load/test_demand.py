"""How much may be asked for: what is out of bounds is one line, and says what would be right."""

from __future__ import annotations

import pytest

from seatrial.errors import UsageError
from seatrial.load.demand import Demand, as_variable, chosen_journey
from seatrial.system import System
from seatrial.system_file import parse_system

SHOP = """\
name: shop
namespace: shop
services: [{name: items, external: items-external}]
"""
JOURNEY = """\
journey:
  - {name: look around, service: items, request: {path: /items}, weight: 4}
  - {name: a=b, service: items, request: {path: /odd}}
"""


@pytest.fixture
def system() -> System:
    return parse_system(SHOP + JOURNEY, "system.yaml")


@pytest.mark.parametrize(
    ("users", "seconds", "workers", "told"),
    [
        (0, 60, 0, "--users 0: out of bounds; give 1 to 1,000"),
        (1001, 60, 0, "--users 1001: out of bounds; give 1 to 1,000, or more --workers"),
        (2001, 60, 2, "--users 2001: out of bounds; give 1 to 2,000, or more --workers"),
        (4, 60, -1, "--workers -1: out of bounds; give 0 to 50"),
        (400, 60, 51, "--workers 51: out of bounds; give 0 to 50"),
        (2, 60, 3, "--workers 3 for --users 2: a worker would have no customer; give at least one user a worker"),
        (4, 0, 0, "the load is to last 0 s: out of bounds; give 1 s to 240 minutes"),
        (4, 14401, 0, "the load is to last 14401 s: out of bounds; give 1 s to 240 minutes"),
        (4, float("nan"), 0, "the load is to last nan s: out of bounds; give 1 s to 240 minutes"),
        (
            1000,
            1001,
            0,
            "1000 users for 1001 s may make more than 5,000,000 requests; give fewer users, or less time",
        ),
    ],
)
def test_what_is_out_of_bounds_is_told(users: int, seconds: float, workers: int, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        Demand(users, seconds, workers)
    assert str(caught.value) == told


def test_bounds_themselves_are_good() -> None:
    for users, seconds, workers in ((1, 1, 0), (1000, 1000, 0), (50, 14400, 50), (50000, 20, 50)):
        assert Demand(users, seconds, workers).users == users


def test_customers_come_by_and_by_in_each_process() -> None:
    assert [Demand(users, 60, workers).join_per_second for users, workers in ((4, 0), (90, 0), (90, 3))] == [4, 20, 60]


def test_the_journey_is_the_declared_one_unless_steps_are_named(system: System) -> None:
    assert chosen_journey(system, ()) == {"look around": 4, "a=b": 1}
    assert chosen_journey(system, ("look around",)) == {"look around": 4}
    assert chosen_journey(system, ("look around=2", "a=b=7")) == {"look around": 2, "a=b": 7}
    assert chosen_journey(system, ("a=b",)) == {"a=b": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("look arond", "--journey 'look arond': no such step; did you mean look around?"),
        ("fly=2", "--journey 'fly=2': no such step; choose from look around, a=b"),
        ("look around=0", "--journey 'look around=0': '0' is no weight; give 1 to 100"),
        ("look around=often", "--journey 'look around=often': 'often' is no weight; give 1 to 100"),
    ],
)
def test_a_step_that_is_not_declared_is_told(system: System, given: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen_journey(system, (given,))
    assert str(caught.value) == told


def test_a_system_without_a_journey_cannot_be_put_under_load() -> None:
    with pytest.raises(UsageError) as caught:
        chosen_journey(parse_system(SHOP, "system.yaml"), ())
    assert str(caught.value) == "shop declares no journey of its customers; write it in system.yaml"


def test_a_journey_reaches_locust_as_json_and_the_declared_one_not_at_all() -> None:
    assert as_variable({"look around": 2}) == '{"look around": 2}'
    assert as_variable(None) == as_variable({}) == ""
