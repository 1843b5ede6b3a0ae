"""Evictions as the API server is asked for them, only where that is allowed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from seatrial.cluster import eviction
from seatrial.cluster.eviction import evict
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.records import PodView

POD = PodView("shop", "auth-1", "u1", "", "a", "Running", True, False, 0, "app", "", 0.0, 0.0)


class Api:
    """A cluster whose API server gives one answer to all that it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer
        monkeypatch.setattr(eviction, "require_owned", lambda cluster: None)

    def http(self, **_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._handle), base_url="https://api")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("status", [201, 429])
def test_exactly_this_pod_is_asked_for_and_the_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, status: int, dry_run: bool
):
    api = Api(monkeypatch, httpx.Response(status))
    assert evict(api, POD, dry_run=dry_run) == status  # type: ignore[arg-type]
    (request,) = api.asked
    assert (request.method, request.url.path) == ("POST", "/api/v1/namespaces/shop/pods/auth-1/eviction")
    assert json.loads(request.content) == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "auth-1", "namespace": "shop"},
        "deleteOptions": {"preconditions": {"uid": "u1"}, **({"dryRun": ["All"]} if dry_run else {})},
    }


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(404, text="not found\n"), "HTTP 404 not found\n"),
        (httpx.ConnectError("refused"), "ConnectError('refused')"),
    ],
)
def test_any_other_answer_is_the_environments_fault(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, why: str
):
    with pytest.raises(EnvironmentFault) as caught:
        evict(Api(monkeypatch, answer), POD)  # type: ignore[arg-type]
    assert str(caught.value) == f"Pod shop/auth-1 cannot be evicted: {why}"


def test_a_cluster_that_is_not_ours_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    api = Api(monkeypatch, httpx.Response(201))

    def refuse(cluster: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(eviction, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        evict(api, POD, dry_run=True)  # type: ignore[arg-type]
    assert api.asked == []
