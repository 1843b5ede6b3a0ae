"""What of a service's description customers reach through the gateway."""

from __future__ import annotations

import pytest

from seatrial.fuzz.description import base_path, operations, paces, routed
from seatrial.system_gateway import Gateway

GATEWAY = Gateway.model_validate(
    {
        "host": "shop.test",
        "routes": [
            {"path": "/login", "service": "auth", "quota": {"per_second": 21, "burst": 5}},
            {"path": "/items", "service": "items"},
            {"path": "/items/old", "service": "attic", "quota": {"per_second": 1, "burst": 0}},
        ],
    },
    strict=False,
)
GET = {"get": {"responses": {}}}
PATHS = {
    "/login": {"post": {}, "summary": "log in"},
    "/items": {"get": {}, "put": {}, "parameters": []},
    "/items/{id}": GET,
    "/items/old": GET,
    "/items/old/{id}": GET,
    "/itemsets": GET,
    "/whoami": GET,
    "/": GET,
}
DOCUMENT = {"openapi": "3.1.0", "paths": PATHS}


@pytest.mark.parametrize(
    ("service", "led"),
    [
        ("auth", ["/login"]),
        ("items", ["/items", "/items/{id}"]),
        ("attic", ["/items/old", "/items/old/{id}"]),
        ("stock", []),
    ],
)
def test_only_what_a_route_leads_to_at_this_service_is_left(service: str, led: list[str]):
    assert list(routed(DOCUMENT, GATEWAY, service)["paths"]) == led
    assert routed(DOCUMENT, GATEWAY, service)["openapi"] == "3.1.0"
    assert list(DOCUMENT["paths"]) == list(PATHS), "the document itself is left as it was"


def test_a_route_of_everything_leads_to_everything():
    gateway = GATEWAY.model_copy(update={"routes": (GATEWAY.routes[1].model_copy(update={"path": "/"}),)})
    assert routed(DOCUMENT, gateway, "items")["paths"] == PATHS


def test_operations_are_methods_of_paths():
    assert operations(routed(DOCUMENT, GATEWAY, "items")) == ("GET /items", "PUT /items", "GET /items/{id}")
    assert operations({"paths": {}}) == ()


@pytest.mark.parametrize(
    ("service", "expected"),
    [("auth", {"/login": 10}), ("items", {}), ("attic", {"/items/old": 1, "/items/old/{id}": 1})],
)
def test_a_path_whose_route_has_a_quota_goes_at_half_of_it_and_not_below_one_a_second(
    service: str, expected: dict[str, int]
):
    assert paces(routed(DOCUMENT, GATEWAY, service), GATEWAY, service) == expected


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        (None, ""),
        ([], ""),
        ([{"url": "/"}], ""),
        ([{"url": "https://shop.test/api/"}], "/api"),
        ([{"url": "/api"}], "/api"),
    ],
)
def test_paths_lie_below_that_of_the_first_server(servers: object, expected: str):
    assert base_path({"paths": {}, "servers": servers}) == expected


def test_a_route_is_found_by_the_whole_path_of_an_operation():
    document = {"servers": [{"url": "/items"}], "paths": {"/{id}": GET}}
    assert list(routed(document, GATEWAY, "items")["paths"]) == ["/{id}"]
