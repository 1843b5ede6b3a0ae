"""Which services ask which, from where, and with what forgery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from seatrial.observe.mesh_calls import USED_UP, call_each, forged_header, undeclared
from seatrial.observe.vantage import Answer
from seatrial.system_file import parse_system
from seatrial.system_mesh import Mesh

SYSTEM = """\
name: shop
namespace: shop
services: [{name: a}, {name: b, service: bee, port: 8000, identity_path: /name}, {name: c}]
edges:
  - {caller: a, callee: b, request: {path: /1}}
  - {caller: c, callee: a, request: {path: /2}}
  - {caller: a, callee: b, request: {path: /3}}
"""


def test_pairs_are_declared_once_and_the_others_are_all_the_rest() -> None:
    system = parse_system(SYSTEM, "s")
    assert list(system.calls) == [("a", "b"), ("c", "a")]
    assert undeclared(system) == [("a", "c"), ("b", "a"), ("b", "c"), ("c", "b")]


def test_each_callee_is_asked_for_its_identity_from_beside_its_caller() -> None:
    system, asked = parse_system(SYSTEM, "s"), []

    def agent(pod: str) -> Any:
        def call(method: str, url: str, *, headers: Any) -> Answer:
            asked.append((pod, method, url, headers))
            return Answer("worker", url, 200, {}, f"by {pod}", "")

        def requests(url: str, *, count: int, concurrency: int) -> None:
            asked.append((pod, "several", url, count))

        return SimpleNamespace(pod=pod, call=call, requests=requests)

    agents = {"a": agent("a-1"), "c": agent("c-1")}
    calls = call_each(system, agents, [("a", "b"), ("c", "a")], {"X": "1"})
    a, b = "http://a.shop.svc.cluster.local.:80/whoami", "http://bee.shop.svc.cluster.local.:8000/name"
    by_pod = {pod: [each[1:] for each in asked if each[0] == pod] for pod in ("a-1", "c-1")}
    assert by_pod == {
        "a-1": [("several", b, USED_UP), ("GET", b, {"X": "1"})],
        "c-1": [("several", a, USED_UP), ("GET", a, {"X": "1"})],
    }, "what is kept is used up before the call that counts"
    assert [(each.caller, each.callee, each.pod, each.answer.body) for each in calls] == [
        ("a", "b", "a-1", "by a-1"),
        ("c", "a", "c-1", "by c-1"),
    ]


def test_a_forgery_looks_like_a_proxys_word() -> None:
    nobody = "spiffe://shop.test/ns/shop/sa/seatrial-forged"
    given = forged_header(Mesh(trust_domain="shop.test"), "shop")
    assert given == {"X-Forwarded-Client-Cert": f"By={nobody};URI={nobody}"}
