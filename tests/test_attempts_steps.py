"""Steps about storms: which routes are called at the same time."""

from __future__ import annotations

import pytest

from seatrial.system_gateway import Route
from steps.attempts import one_of_each_service


def route(told: str) -> Route:
    path, _, service = told.partition(" ")
    return Route(path=path, service=service)


@pytest.mark.parametrize(
    ("routes", "parts"),
    [
        ([], []),
        (["/token auth", "/users users"], [["/token auth", "/users users"]]),
        (
            ["/token auth", "/login auth", "/users users", "/v2 auth", "/me users"],
            [["/token auth", "/users users"], ["/login auth", "/me users"], ["/v2 auth"]],
        ),
    ],
    ids=["none", "each to its own service", "several to one service"],
)
def test_routes_to_one_service_are_called_one_after_the_other(routes: list[str], parts: list[list[str]]) -> None:
    found = one_of_each_service([route(each) for each in routes])
    assert [[f"{each.path} {each.service}" for each in part] for part in found] == parts
