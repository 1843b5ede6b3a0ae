"""What a service says of its own interface, asked for inside the cluster."""

from __future__ import annotations

import json
from inspect import cleandoc
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.errors import Failed
from seatrial.observe.description import observe_description
from seatrial.observe.vantage import Answer
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: web, openapi: /api.json}]\n", "s.yaml")
WEB = SYSTEM.services[0]
URL = "http://web.shop.svc.cluster.local.:80/api.json"
GOOD = {"openapi": "3.1.0", "paths": {"/items": {"get": {}}}}


def vantage(status: int, body: str, error: str = "") -> Any:
    def call(method: str, url: str, **options: Any) -> Answer:
        assert (method, url) == ("GET", URL)
        return Answer("node-a", url, status, {}, body, error)

    return SimpleNamespace(call=call)


def test_the_description_is_returned_as_it_is() -> None:
    assert observe_description(vantage(200, json.dumps(GOOD)), SYSTEM, WEB) == GOOD


@pytest.mark.parametrize(
    ("status", "body", "error", "observed"),
    [
        (404, "no such path", "", "HTTP 404: no such path"),
        (500, json.dumps(GOOD), "", f"HTTP 500: {json.dumps(GOOD)}"),
        (200, "<html>", "", "HTTP 200: <html>"),
        (200, "[]", "", "HTTP 200: []"),
        (200, '{"paths": []}', "", 'HTTP 200: {"paths": []}'),
        (200, '{"paths": {"/": null}}', "", 'HTTP 200: {"paths": {"/": null}}'),
        (0, "", "refused", "no answer: refused"),
    ],
)
def test_a_service_that_does_not_describe_itself_is_told(status: int, body: str, error: str, observed: str) -> None:
    with pytest.raises(Failed) as caught:
        observe_description(vantage(status, body, error), SYSTEM, WEB)
    assert str(caught.value) == cleandoc(
        f"""
        web ({URL}): it does not describe itself
          expected  HTTP 200 with an OpenAPI document
          observed  {observed}
        """
    )
