"""What the events of Schemathesis say: how much was tried, what was found, and how it ended."""

from __future__ import annotations

import base64
import json
from typing import Any

from seatrial.fuzz.records import Deviation, Tried, read_events

ITEMS, ORDERS = "GET /items", "POST /orders"
END = {"EngineFinished": {"stop_reason": "completed"}}


def packed(text: str) -> dict[str, str]:
    return {"$base64": base64.b64encode(text.encode()).decode()}


def exchange(status: int, uri: str = "/items", body: str = "{}") -> dict[str, Any]:
    answer = {"status_code": status, "content": packed(body)} if status else None
    return {"request": {"method": "GET", "uri": uri, "headers": {}}, "response": answer}


def failed(check: str, operation: str = ITEMS, title: str = "Undocumented", message: str = "Received: 418") -> Any:
    failure = {"operation": operation, "title": title, "message": message}
    return {"name": check, "status": "failure", "failure_info": {"failure": failure}}


GOOD = {"name": "not_a_server_error", "status": "success", "failure_info": None}


def scenario(label: str, exchanges: dict[str, Any], checks: dict[str, Any] | None = None) -> dict[str, Any]:
    recorder = {"label": label, "interactions": exchanges, "checks": checks or {case: [GOOD] for case in exchanges}}
    return {"ScenarioFinished": {"recorder": recorder}}


def read(*events: dict[str, Any], rest: str = "") -> Any:
    lines = [json.dumps(event) for event in events]
    return read_events([*lines, *([rest] if rest else [])], "shop", (ITEMS, ORDERS))


def test_answers_are_counted_by_operation_and_status_over_all_phases():
    record = read(
        {"Initialize": {"seed": 1}},
        {"ScenarioFinished": {"recorder": {"label": ITEMS}}},
        scenario(ITEMS, {"a": exchange(200), "b": exchange(422)}),
        scenario(ITEMS, {"c": exchange(200), "d": exchange(0)}),
        scenario("TRACE /items", {"e": exchange(405)}),
        END,
    )
    assert record.tried == (Tried(ITEMS, 3, {200: 2, 422: 1}), Tried(ORDERS, 0, {}))
    assert (record.service, record.described) == ("shop", (ITEMS, ORDERS))
    assert (record.deviations, record.unusable, record.ended) == ((), "", "completed")


def test_a_failed_check_is_told_with_its_request_and_its_answer():
    checks = {"a": [GOOD, failed("status_code_conformance")], "b": [GOOD]}
    record = read(scenario(ITEMS, {"a": exchange(418, "/items?n=0", "teapot"), "b": exchange(200)}, checks), END)
    assert record.deviations == (
        Deviation(
            ITEMS,
            "status_code_conformance",
            "Undocumented\nReceived: 418",
            "curl '/items?n=0'",
            418,
            "teapot",
        ),
    )


def test_of_several_deviations_of_a_kind_the_shortest_request_is_told():
    exchanges = {"a": exchange(418, "/items?n=100"), "b": exchange(418, "/items?n=1"), "c": exchange(500, "/items?n=1")}
    kind, other = failed("status_code_conformance"), failed("not_a_server_error")
    record = read(scenario(ITEMS, exchanges, {"a": [kind], "b": [kind], "c": [kind, other]}), END)
    assert [(each.check, each.status, each.request) for each in record.deviations] == [
        ("status_code_conformance", 418, "curl '/items?n=1'"),
        ("status_code_conformance", 500, "curl '/items?n=1'"),
        ("not_a_server_error", 500, "curl '/items?n=1'"),
    ]


def test_a_request_without_an_answer_is_a_deviation_of_its_operation():
    lost = {"NonFatalError": {"label": ORDERS, "value": {"type": "ReadTimeout", "message": "timed out"}}}
    assert read(lost, lost, END).deviations == (Deviation(ORDERS, "", "timed out"),)


def test_a_description_of_no_use_is_told():
    record = read({"FatalError": {"exception": {"type": "LoaderError", "message": "no paths"}}})
    assert (record.unusable, record.ended) == ("no paths", "")


def test_a_run_that_was_ended_while_it_wrote_says_so():
    record = read(scenario(ITEMS, {"a": exchange(200)}), rest='{"ScenarioFin')
    assert (record.tried[0].cases, record.ended) == (1, "")
    assert read({"EngineFinished": {"stop_reason": "interrupted"}}).ended == "interrupted"
    assert read().ended == ""
