"""Changes of single objects: by a manager of our own, and told in one line when they fail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from seatrial.cluster.patch import MERGE, STRATEGIC, deployment_path, patch_object, read_object
from seatrial.errors import EnvironmentFault

PATH = deployment_path("shop", "items")


def answering(handler: Any) -> Any:
    transport = httpx.MockTransport(handler)
    return SimpleNamespace(http=lambda timeout_seconds: httpx.Client(base_url="http://api", transport=transport))


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_a_change_names_its_manager_and_its_kind(kind: str):
    def handler(request: httpx.Request) -> httpx.Response:
        sent = [str(request.url), request.method, request.headers["Content-Type"], request.content.decode()]
        return httpx.Response(200, json={"sent": sent})

    assert patch_object(answering(handler), PATH, {"spec": {"replicas": 1}}, kind)["sent"] == [
        "http://api/apis/apps/v1/namespaces/shop/deployments/items?fieldManager=seatrial-chaos",
        "PATCH",
        kind,
        '{"spec":{"replicas":1}}',
    ]


def test_a_refusal_is_told_in_the_api_servers_words():
    refusal = answering(lambda _: httpx.Response(403, json={"message": "items is forbidden"}))
    with pytest.raises(EnvironmentFault) as caught:
        patch_object(refusal, PATH, {})
    assert str(caught.value) == f"{PATH} cannot be changed: HTTP 403 items is forbidden"


@pytest.mark.parametrize("body", ["bad gateway", "[]"])
def test_an_answer_that_is_none_of_the_api_servers_is_told_as_it_is(body: str):
    with pytest.raises(EnvironmentFault, match="cannot be read: HTTP 502 "):
        read_object(answering(lambda _: httpx.Response(502, text=body)), PATH)


def test_a_server_that_does_not_answer_is_told():
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(EnvironmentFault, match="cannot be read: ConnectError"):
        read_object(answering(handler), PATH)
