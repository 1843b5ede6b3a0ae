"""What a request leaves behind: headers, metrics, and log lines that join across services."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from marketplace_process import SERVICES, Marketplace, Running, StandIn, wait_until

PLATFORM = ("/livez", "/readyz", "/startupz", "/metrics", "/openapi.json")


def grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return by how much each sample grew, those that did not left out."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def match(buyers: Running, request_id: str) -> None:
    headers = {"Authorization": f"Bearer {buyers.token}", "X-Request-Id": request_id}
    answer = buyers.post("/v1/buyers/match", json={"lead_id": 1}, headers=headers)
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (200, request_id)


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "called"),
    [
        ("auth", "GET", "/v1/token", None, None),
        ("users", "GET", "/v1/users/1", None, "auth=auth-1"),
        ("leads", "GET", "/v1/leads", None, "auth=auth-1"),
        ("leads", "GET", "/v1/leads/1", None, "auth=auth-1,users=users-1"),
        ("buyers", "GET", "/v1/buyers", None, "auth=auth-1"),
        ("buyers", "POST", "/v1/buyers/match", {"lead_id": 1}, "leads=leads-1,users=users-1"),
    ],
)
def test_an_answer_names_who_served_it_and_whom_that_one_called(
    marketplace: Marketplace, service: str, method: str, path: str, body: object, called: str | None
):
    answer = marketplace.service(service).ask(method, path, json=body)
    assert answer.status_code == 200
    assert answer.headers["X-Served-By"] == f"{service}-1"
    assert answer.headers.get("X-Called") == called


@pytest.mark.parametrize("path", ["/v1/leads", "/v1/leads/x", "/v1/nothing", *PLATFORM])
def test_every_answer_good_or_bad_names_its_replica_and_request(leads: Running, path: str):
    answer = leads.get(path)
    assert answer.headers["X-Served-By"] == "leads-1"
    assert len(answer.headers["X-Request-Id"]) == 32
    assert answer.headers["X-Request-Id"] != leads.get(path).headers["X-Request-Id"]


def test_one_request_is_found_by_its_id_in_the_logs_of_all_services(marketplace: Marketplace):
    request_id = uuid.uuid4().hex
    match(marketplace.buyers, request_id)
    wait_until(lambda: bool(marketplace.buyers.lines_of(request_id)), within_seconds=5)
    found = {
        service: sorted(line["route"] for line in marketplace.service(service).lines_of(request_id))
        for service in SERVICES
    }
    assert found == {
        "buyers": ["/v1/buyers/match"],
        "leads": ["/v1/leads/{lead_id}"],
        "users": ["/v1/users/{user_id}"] * 2,
        "auth": ["/v1/token"] * 3,
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [(b"order 7; drop", "order 7; drop"), (b"\xe9\xff", "\u00e9\u00ff"), (b"x" * 200, "x" * 128)],
    ids=["words", "not ASCII", "too long"],
)
def test_any_request_id_is_passed_on_as_it_came_up_to_its_longest(
    leads: Running, auth: Running, given: bytes, kept: str
):
    headers = {b"Authorization": f"Bearer {leads.token}".encode(), b"X-Request-Id": given}
    assert leads.get("/v1/leads", headers=headers).status_code == 200
    wait_until(lambda: bool(leads.lines_of(kept)), within_seconds=5)
    assert [line["route"] for line in auth.lines_of(kept)] == ["/v1/token"]


def test_a_log_line_tells_who_did_what_and_how_long_it_took(leads: Running):
    request_id = leads.get("/v1/leads/201").headers["X-Request-Id"]
    wait_until(lambda: bool(leads.lines_of(request_id)), within_seconds=5)
    (line,) = leads.lines_of(request_id)
    assert 0 < line.pop("seconds") < 5
    assert line.pop("time") > 1.7e9
    assert line == {
        "level": "info",
        "service": "leads",
        "pod": "leads-1",
        "request_id": request_id,
        "message": "answered",
        "method": "GET",
        "route": "/v1/leads/{lead_id}",
        "status": 404,
    }


def test_what_the_platform_asks_is_not_logged(leads: Running):
    ids = [leads.get(path).headers["X-Request-Id"] for path in PLATFORM]
    last = leads.get("/whoami").headers["X-Request-Id"]
    wait_until(lambda: bool(leads.lines_of(last)), within_seconds=5)
    assert [line for request_id in ids for line in leads.lines_of(request_id)] == []


def test_requests_are_counted_by_method_route_and_status(leads: Running):
    before = leads.samples()
    leads.get("/v1/leads/1")
    leads.get("/v1/leads/2")
    leads.get("/v1/leads/201")
    leads.get("/v1/leads/x")
    leads.get("/v1/leads", headers={})
    leads.ask("DELETE", "/v1/leads/1")
    leads.get("/v1/nothing/7")
    leads.get("/readyz")
    after = grown(before, leads.samples())
    requests = {name: value for name, value in after.items() if name.startswith("http_requests_total")}
    assert requests == {
        'http_requests_total{method="GET",route="/v1/leads/{lead_id}",status="200"}': 2,
        'http_requests_total{method="GET",route="/v1/leads/{lead_id}",status="404"}': 1,
        'http_requests_total{method="GET",route="/v1/leads/{lead_id}",status="422"}': 1,
        'http_requests_total{method="GET",route="/v1/leads",status="401"}': 1,
        'http_requests_total{method="DELETE",route="/v1/leads/{lead_id}",status="405"}': 1,
        'http_requests_total{method="GET",route="unmatched",status="404"}': 1,
        'http_requests_total{method="GET",route="/readyz",status="200"}': 1,
        'http_requests_total{method="GET",route="/metrics",status="200"}': 1,
    }


def test_the_time_of_answers_is_a_histogram(disturbed: Running):
    disturbed.switch(latency_seconds=0.3)
    before = disturbed.samples()
    disturbed.get("/whoami")
    after = grown(before, disturbed.samples())
    bucket = 'http_request_duration_seconds_bucket{{le="{}",method="GET",route="/whoami"}}'
    assert after[bucket.format("+Inf")] == 1
    assert bucket.format("0.25") not in after
    assert after['http_request_duration_seconds_count{method="GET",route="/whoami"}'] == 1
    assert after['http_request_duration_seconds_sum{method="GET",route="/whoami"}'] >= 0.3


def test_requests_in_flight_are_shown_while_they_are(disturbed: Running):
    disturbed.switch(latency_seconds=1)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(disturbed.get, "/whoami") for _ in range(3)]
        # the question itself is in flight, too
        wait_until(lambda: disturbed.samples()["http_requests_in_flight"] == 4, within_seconds=5)
        assert [each.result().status_code for each in asked] == [200] * 3
    wait_until(lambda: disturbed.samples()["http_requests_in_flight"] == 1, within_seconds=5)


def test_calls_are_counted_and_timed_for_each_dependency(buyers: Running):
    before = buyers.samples()
    match(buyers, uuid.uuid4().hex)
    buyers.post("/v1/buyers/match", json={"lead_id": 201})
    buyers.get("/v1/buyers")
    after = grown(before, buyers.samples())
    assert {name: value for name, value in after.items() if name.startswith("dependency_calls_total")} == {
        'dependency_calls_total{dependency="leads",status="200"}': 1,
        'dependency_calls_total{dependency="leads",status="404"}': 1,
        'dependency_calls_total{dependency="users",status="200"}': 1,
        'dependency_calls_total{dependency="auth",status="200"}': 1,
    }
    assert after['dependency_call_duration_seconds_count{dependency="leads"}'] == 2


def test_a_dependency_that_is_away_is_a_bad_gateway_that_log_and_metrics_tell(marketplace: Marketplace):
    forlorn = marketplace.forlorn
    before = forlorn.samples()
    answer = forlorn.post("/v1/buyers/match", json={"lead_id": 1})
    assert (answer.status_code, answer.json()) == (502, {"detail": "users does not answer"})
    assert answer.headers["X-Called"] == "leads=leads-2"
    assert grown(before, forlorn.samples())['dependency_calls_total{dependency="users",status="error"}'] == 1
    wait_until(lambda: len(forlorn.lines_of(answer.headers["X-Request-Id"])) == 2, within_seconds=5)
    warning = forlorn.lines_of(answer.headers["X-Request-Id"])[0]
    assert (warning["level"], warning["message"], warning["dependency"]) == ("warning", "call failed", "users")
    assert "ConnectError" in warning["reason"]
    assert forlorn.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("switch", "text"),
    [
        ({"error_rate": 1}, "leads answered 500"),
        ({"error_rate": 1, "error_status": 503}, "leads answered 503"),
        ({"latency_seconds": 2.5}, "leads does not answer"),
    ],
)
def test_a_dependency_that_fails_or_is_slow_is_a_bad_gateway(
    marketplace: Marketplace, disturbed: Running, switch: dict[str, float], text: str
):
    disturbed.switch(**switch)
    answer = marketplace.forlorn.post("/v1/buyers/match", json={"lead_id": 1})
    assert (answer.status_code, answer.json()) == (502, {"detail": text})


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (200, "<html>", "auth answered something else than JSON"),
        (404, "<html>", "auth answered something else than JSON"),
        (401, "", "auth answered something else than JSON"),
        (403, "{}", "auth answered 403"),
        (302, "{}", "auth answered 302"),
    ],
)
def test_an_answer_that_the_dependency_should_not_give_is_a_bad_gateway(
    marketplace: Marketplace, stand_in: StandIn, status: int, body: str, text: str
):
    stand_in.status, stand_in.body = status, body
    answer = marketplace.forlorn.get("/v1/buyers")
    assert (answer.status_code, answer.json()) == (502, {"detail": text})
