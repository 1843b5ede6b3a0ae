"""The services' own descriptions: what was recorded is in them, and generated requests are answered as they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from marketplace_process import ROOT, SERVICES, Launcher, Marketplace, Running

from seatrial.checks.description import undescribed, untried
from seatrial.contract import load_answers, load_frontend
from seatrial.fuzz.description import Description, operations, paces, routed
from seatrial.fuzz.records import FuzzRecord
from seatrial.fuzz.runner import Fuzzer, Subject
from seatrial.observe.way_in import WayIn
from seatrial.system import System
from seatrial.system_file import load_system

EXAMPLES = 3
UNDESCRIBED = ("read the log-in", "remove a user", "replace all leads", "ask buyers for a path that they do not know")
"""Calls of what is not described: other methods, another path."""


@pytest.fixture(scope="module")
def system() -> System:
    return load_system(ROOT / "system.yaml")


def described(running: Running) -> Description:
    document: Description = running.get("/openapi.json").json()
    return document


def subject(running: Running, system: System) -> Subject:
    assert system.gateway
    document = routed(described(running), system.gateway, running.service)
    return Subject(running.service, document, {})


def tried(running: Running, system: System, folder: Path) -> FuzzRecord:
    fuzzer = Fuzzer(WayIn({running.service: running.url}), running.token, 20, EXAMPLES, folder)
    (record,) = fuzzer.run((subject(running, system),), within_seconds=120)
    return record


@pytest.fixture(scope="module")
def records(marketplace: Marketplace, system: System, tmp_path_factory: pytest.TempPathFactory) -> list[FuzzRecord]:
    folder = tmp_path_factory.mktemp("generated")
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda name: tried(marketplace.service(name), system, folder), SERVICES))


def test_the_services_answer_generated_requests_as_they_describe_themselves(records: list[FuzzRecord]):
    found = [str(each) for record in records for each in (*untried(record), *undescribed(record))]
    assert found == []


def test_every_operation_behind_the_gateway_is_tried_with_good_and_bad_requests(records: list[FuzzRecord]):
    answers = {each.operation: set(each.statuses) for record in records for each in record.tried}
    assert set(answers) == {
        "POST /v1/login",
        "GET /v1/token",
        "GET /v1/users",
        "GET /v1/users/me/session",
        "GET /v1/users/{user_id}",
        "GET /v1/leads",
        "GET /v1/leads/{lead_id}",
        "POST /v1/leads",
        "GET /v1/buyers",
        "POST /v1/buyers/match",
    }
    without_input = ("GET /v1/token", "GET /v1/users/me/session")
    assert all(422 in statuses for operation, statuses in answers.items() if operation not in without_input)
    assert all(statuses & {200, 202} for operation, statuses in answers.items() if operation != "POST /v1/login")


def test_the_log_in_is_tried_at_half_its_quota(marketplace: Marketplace, system: System):
    assert system.gateway
    assert paces(described(marketplace.auth), system.gateway, "auth") == {"/v1/login": 10}


@pytest.fixture
def lost(launcher: Launcher, marketplace: Marketplace) -> Iterator[Running]:
    """A replica of buyers as seeded fault 52 makes it: it asks for log-ins at the wrong address."""
    running = launcher.start("buyers", "buyers-lost", AUTH_URL=marketplace.users.url)
    yield running
    running.kill()


def test_a_service_that_answers_what_it_does_not_describe_is_found_out(lost: Running, system: System, tmp_path: Path):
    (failure,) = undescribed(tried(lost, system, tmp_path))
    assert failure.subject == "buyers: GET /v1/buyers does not answer as described"
    assert (failure.expected, failure.observed) == (
        "a status that the description lists",
        'HTTP 404: {"detail":"Not Found"}',
    )
    assert f'curl {lost.url}/v1/buyers -H "Authorization: Bearer $TOKEN"' in failure.details


def matching(document: Description, method: str, path: str) -> str:
    """Return the described path of a call; the one without parameters where there are several."""
    found = [
        each for each in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path.partition("?")[0])
    ]
    return min((each for each in found if method.lower() in document["paths"][each]), key=lambda each: "{" in each)


def test_every_recorded_answer_is_one_that_the_description_lists(marketplace: Marketplace, system: System):
    calls = ROOT / "reference" / "frontend" / "calls.yaml"
    frontend = load_frontend(calls, system)
    answers = load_answers(calls, frontend)
    documents = {name: described(marketplace.service(name)) for name in SERVICES}
    for call in frontend.calls:
        if call.method != "OPTIONS" and call.name not in UNDESCRIBED:
            document = documents[call.service]
            operation = document["paths"][matching(document, call.method, call.path)][call.method.lower()]
            assert str(answers[call.name].status) in operation["responses"], call.name


@pytest.mark.parametrize("service", SERVICES)
def test_a_refused_token_and_a_kept_answer_are_described_with_their_headers(marketplace: Marketplace, service: str):
    document = described(marketplace.service(service))
    for operation in operations(document):
        method, path = operation.split()
        responses = document["paths"][path][method.lower()]["responses"]
        kept = "304" in responses
        assert all(
            ("ETag" in responses[status].get("headers", {})) == kept for status in responses if status in ("200", "304")
        )
        if path not in ("/whoami", "/v1/login"):
            assert responses["401"]["headers"]["WWW-Authenticate"]["required"]
        assert all("content" in answer for status, answer in responses.items() if status != "304")


def test_a_body_that_is_no_text_is_refused_as_described(auth: Running):
    answer = auth.post("/v1/login", content=b'{"username": "\xff"}', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"detail": "There was an error parsing the body"})
    assert "400" in json.loads(auth.get("/openapi.json").text)["paths"]["/v1/login"]["post"]["responses"]
