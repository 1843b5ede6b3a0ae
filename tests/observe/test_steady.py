"""Steady load: who sends how much at which rate, and how much an agent must be able to wait for."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.observe.records import Request, Traffic
from seatrial.observe.steady import CONNECTIONS, Stream, load, patience, send_by_turns, send_steadily, send_until
from seatrial.observe.target import Target
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: web}]\nidentity: {header: X-Pod}\n"
    "tolerances: {request_timeout_seconds: 0.5, compared_rate_per_second: 80, block_requests: 25}\n",
    "system.yaml",
)
WEB, STOCK = Target("http://web/"), Target("http://stock/")


class Run:
    def __init__(self, traffic: Traffic) -> None:
        self.wait = lambda: traffic


class Node:
    """A vantage that notes what it is told to send, and answers each request at once.

    The first runs send some of their requests late.
    """

    def __init__(self, node: str, *late: int) -> None:
        self.node = node
        self.late = list(late)
        self.orders: list[tuple[Target, dict[str, Any]]] = []

    def load(self, target: Target, **order: Any) -> Run:
        self.orders.append((target, order))
        moments = [number / order["rate_per_second"] for number in range(order["count"])]
        late = self.late.pop(0) if self.late else 0
        starts = [at + (0.02 if number < late else 0.0) for number, at in enumerate(moments)]
        requests = (Request(at, start, start, 200, "", "") for at, start in zip(moments, starts, strict=True))
        return Run(Traffic(self.node, target.url, False, tuple(requests)))


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.observe.steady.Run.wait", lambda run: run.wait())


def test_the_agents_of_a_stream_share_it_and_all_streams_share_the_rate():
    a, b, c = Node("a"), Node("b"), Node("c")
    streams = [Stream("x → web", WEB, (a, b, c)), Stream("x → stock", STOCK, (a,))]  # type: ignore[arg-type]
    web, stock = send_steadily(SYSTEM, streams, count=100, rate_per_second=120)
    assert [(target, order["count"], order["rate_per_second"]) for target, order in a.orders] == [
        (WEB, 34, 20),
        (STOCK, 100, 60),
    ]
    assert [order["count"] for _, order in b.orders + c.orders] == [34, 34]
    assert (web.stream.name, web.rate_per_second, web.traffic.count, web.traffic.node) == ("x → web", 60, 102, "a+b+c")
    assert (len(web.runs), len(stock.runs), stock.traffic.count) == (3, 1, 100)


def test_an_order_carries_the_names_and_bounds_of_the_system():
    node = Node("a")
    send_steadily(SYSTEM, [Stream("x", WEB, (node,))], count=10, rate_per_second=60)  # type: ignore[arg-type]
    ((_, order),) = node.orders
    assert order == {
        "rate_per_second": 60,
        "count": 10,
        "concurrency": 30 + 12,
        "connections": CONNECTIONS,
        "identity_header": "X-Pod",
        "timeout_seconds": 0.5,
        "other": None,
        "turns": "",
    }


def in_time(traffic: Traffic) -> bool:
    return all(each.start == each.scheduled for each in traffic.requests)


def test_an_agent_sends_at_the_rate_that_it_must_reach_until_it_is_seen_to():
    node = Node("a", 2, 9)
    assert in_time(send_until(SYSTEM, node, WEB, in_time))  # type: ignore[arg-type]
    assert [(order["count"], order["rate_per_second"]) for _, order in node.orders] == [(2500, 500)] * 3


def test_an_agent_that_does_not_reach_it_is_tried_no_longer_than_declared():
    tolerances = SYSTEM.tolerances.model_copy(update={"instrument_shown_seconds": 0.01})
    hurried, node = SYSTEM.model_copy(update={"tolerances": tolerances}), Node("a", *[50] * 100_000)
    assert not in_time(send_until(hurried, node, WEB, in_time))  # type: ignore[arg-type]


def test_no_stream_sends_nothing():
    assert send_steadily(SYSTEM, [], count=10, rate_per_second=60) == []


def test_turns_are_sent_by_one_agent_in_blocks():
    node = Node("a")
    traffic = send_by_turns(SYSTEM, node, WEB, STOCK, "0110")  # type: ignore[arg-type]
    ((target, order),) = node.orders
    assert (target, order["other"], order["turns"], order["count"]) == (WEB, STOCK, "0110", 100)
    assert (order["rate_per_second"], traffic.count) == (80, 100)


@pytest.mark.parametrize(
    ("rate", "timeout", "given_up", "answers"),
    [
        (100, 1.0, 1.0, 112),
        (53.4, 1.0, 1.0, 66),
        (500, 1.0, 1.0, 512),
        (150, 5.0, 500 / 150, 512),
        (5000, 1.0, 0.1, 512),
    ],
)
def test_an_agent_can_wait_for_every_answer_that_may_be_under_way(
    rate: float, timeout: float, given_up: float, answers: int
):
    node = Node("a")
    patient = SYSTEM.tolerances.model_copy(update={"request_timeout_seconds": timeout})
    system = SYSTEM.model_copy(update={"tolerances": patient})
    load(system, node, WEB, count=1, rate_per_second=rate)  # type: ignore[arg-type]
    ((_, order),) = node.orders
    assert (order["timeout_seconds"], order["concurrency"]) == (pytest.approx(given_up), answers)
    assert patience(rate, timeout) == order["timeout_seconds"]
