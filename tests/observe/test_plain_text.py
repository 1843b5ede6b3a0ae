"""Replicas asked in plain text: what the API server hands on, what it says itself, and the way that is tried beside."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import plain_text
from seatrial.observe.plain_text import KEPT, PlainAnswer, Spared, ask_in_plain_text, spared_port
from seatrial.observe.records import Endpoint
from seatrial.system_file import parse_system

SYSTEM = """\
name: shop
namespace: shop
services: [{name: items, service: shelf, identity_path: /name}, {name: users}]
identity: {header: X-Pod}
gateway:
  host: shop.test
  routes: [{path: /items, service: items, split: {service: shelf-next, percent: 5}}, {path: /users, service: users}]
"""
SPARED = Spared(9090, "/healthz")
ENDPOINTS = {
    "shelf": [("items-a", True, (8000, 8001)), ("items-b", False, (8000,))],
    "shelf-next": [("next-a", True, (8000,))],
    "users": [("users-a", True, (80,))],
}
Handler = Callable[[httpx.Request], httpx.Response]


def status(message: str, code: int = 503) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "apiVersion": "v1", "message": message, "code": code})


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    def observe(cluster: object, namespace: str, service: str) -> list[Endpoint]:
        assert namespace == "shop"
        return [
            Endpoint("10.0.0.1", pod, "worker", ready, True, False, ports) for pod, ready, ports in ENDPOINTS[service]
        ]

    monkeypatch.setattr(plain_text, "observe_endpoints", observe)


def ask(handler: Handler) -> tuple[PlainAnswer, ...]:
    transport = httpx.MockTransport(handler)
    cluster: Any = SimpleNamespace(http=lambda **_: httpx.Client(base_url="https://api", transport=transport))
    return ask_in_plain_text(cluster, parse_system(SYSTEM, "s"), SPARED)


def with_control(answer: Handler) -> Handler:
    return lambda request: httpx.Response(200) if request.url.path.endswith("/healthz") else answer(request)


@pytest.mark.usefixtures("endpoints")
def test_every_port_of_every_ready_replica_of_every_version_is_asked_and_a_spared_one_beside_it() -> None:
    paths = []

    def closed(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200) if "9090" in request.url.path else status("error trying to reach service: EOF")

    found = ask(closed)
    assert [(each.service, each.pod, each.port, each.path) for each in found] == [
        ("shelf", "items-a", 8000, "/name"),
        ("shelf", "items-a", 8001, "/name"),
        ("users", "users-a", 80, "/whoami"),
        ("shelf-next", "next-a", 8000, "/name"),
    ]
    assert {each.unreached for each in found} == {"HTTP 503: error trying to reach service: EOF"}
    assert {(each.status, each.served_by, each.lost) for each in found} == {(0, "", "")}
    proxied = "/api/v1/namespaces/shop/pods/http:"
    assert set(paths) == {
        *(f"{proxied}{pod}:9090/proxy/healthz" for pod in ("items-a", "users-a", "next-a")),
        *(f"{proxied}items-a:{port}/proxy/name" for port in (8000, 8001)),
        f"{proxied}users-a:80/proxy/whoami",
        f"{proxied}next-a:8000/proxy/name",
    }


@pytest.mark.usefixtures("endpoints")
def test_connections_that_the_api_server_kept_are_used_up_before_the_request_that_counts() -> None:
    """A proxy answers them as it was told when they were made."""
    kept = dict.fromkeys(("items-a:8000", "items-a:8001", "users-a:80", "next-a:8000"), KEPT)

    def answer(request: httpx.Request) -> httpx.Response:
        pod = request.url.path.split("/pods/http:")[1].partition("/")[0]
        kept[pod] -= 1
        return httpx.Response(403) if kept[pod] >= 0 else status("error trying to reach service: EOF")

    assert {each.unreached for each in ask(with_control(answer))} == {"HTTP 503: error trying to reach service: EOF"}
    assert set(kept.values()) == {-1}


@pytest.mark.usefixtures("endpoints")
def test_an_answer_of_a_replica_is_handed_on_with_its_name() -> None:
    first, *_ = ask(with_control(lambda _: httpx.Response(200, headers={"x-pod": "items-a"}, text="here")))
    assert (first.status, first.served_by, first.body, first.unreached) == (200, "items-a", "here", "")


@pytest.mark.usefixtures("endpoints")
def test_an_answer_of_a_proxy_has_no_name_and_is_no_word_of_the_api_server() -> None:
    first, *_ = ask(with_control(lambda _: httpx.Response(403, text="RBAC: access denied")))
    assert (first.status, first.served_by, first.body, first.unreached) == (403, "", "RBAC: access denied", "")


@pytest.mark.usefixtures("endpoints")
def test_a_replica_that_answers_like_the_api_server_is_known_by_its_name() -> None:
    told = {"kind": "Status", "apiVersion": "v1", "message": "error trying to reach service: EOF"}
    first, *_ = ask(with_control(lambda _: httpx.Response(503, headers={"X-Pod": "items-a"}, json=told)))
    assert (first.status, first.served_by, first.unreached) == (503, "items-a", "")


@pytest.mark.usefixtures("endpoints")
@pytest.mark.parametrize("body", [[], {"kind": "Status"}, {"message": "x"}], ids=str)
def test_other_json_is_an_answer(body: Any) -> None:
    first, *_ = ask(with_control(lambda _: httpx.Response(503, json=body)))
    assert (first.status, first.unreached) == (503, "")


def late(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


@pytest.mark.usefixtures("endpoints")
def test_what_does_not_come_in_time_is_no_answer() -> None:
    first, *_ = ask(with_control(late))
    assert (first.status, first.unreached, first.lost) == (0, "no answer in 10 s", "")


@pytest.mark.usefixtures("endpoints")
@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (lambda _: httpx.Response(502, text="bad\ngateway"), "HTTP 502: bad gateway"),
        (lambda _: status("pods not found", 404), "HTTP 404: pods not found"),
        (late, "no answer in 10 s"),
    ],
)
def test_a_way_that_leads_nowhere_is_told_with_what_came(answer: Handler, lost: str) -> None:
    assert {each.lost for each in ask(answer)} == {lost}


@pytest.mark.usefixtures("endpoints")
def test_an_api_server_that_cannot_be_asked_is_the_environments_fault() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection reset by peer")

    with pytest.raises(EnvironmentFault, match=r"^the API server does not say what shop/\S+ answers: connection reset"):
        ask(away)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", None),
        ("vantage_beside: true", SPARED),
        ("faults: {port: 9901, path: /x, not_ready: {}, ready: {}, hang: {}}", Spared(9901, "/x")),
        ("vantage_beside: true\nfaults: {port: 9901, not_ready: {}, ready: {}, hang: {}}", SPARED),
    ],
)
def test_the_agents_port_is_spared_or_that_of_the_fault_switches(more: str, expected: Spared | None) -> None:
    assert spared_port(parse_system(SYSTEM + more, "s")) == expected
