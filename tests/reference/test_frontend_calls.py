"""The recorded calls of the frontend, sent to the four services: each is answered, and the same way each time."""

from __future__ import annotations

import re

import pytest
from marketplace_process import ROOT, SERVICES, Marketplace

from seatrial.contract import Frontend, Recorded, differences, load_frontend
from seatrial.observe.way_in import WayIn, frontend_client, frontend_token, send
from seatrial.system import System
from seatrial.system_file import load_system

Answers = dict[str, Recorded | str]


@pytest.fixture(scope="module")
def system() -> System:
    return load_system(ROOT / "system.yaml")


@pytest.fixture(scope="module")
def frontend(system: System) -> Frontend:
    return load_frontend(ROOT / "reference" / "frontend" / "calls.yaml", system)


def replay(marketplace: Marketplace, system: System, frontend: Frontend) -> Answers:
    way = WayIn({name: marketplace.service(name).url for name in SERVICES})
    with frontend_client(way) as client:
        token = frontend_token(client, way, system)
        return {call.name: send(client, way, call, frontend, token) for call in frontend.calls}


@pytest.fixture(scope="module")
def answers(marketplace: Marketplace, system: System, frontend: Frontend) -> Answers:
    return replay(marketplace, system, frontend)


def status_of(answers: Answers, name: str) -> int:
    answer = answers[name]
    assert isinstance(answer, Recorded), answer
    return answer.status


def test_the_frontend_makes_at_least_forty_calls_to_every_service(frontend: Frontend):
    assert len(frontend.calls) >= 40
    assert {call.service for call in frontend.calls} == set(SERVICES)


def test_every_call_gets_an_answer_that_is_no_server_error(answers: Answers):
    bad = {name: each for name, each in answers.items() if isinstance(each, str) or each.status >= 500}
    assert bad == {}


def test_every_kind_of_answer_is_among_them(answers: Answers):
    seen = {status_of(answers, name) for name in answers}
    assert seen == {200, 202, 304, 400, 401, 403, 404, 405, 409, 422}


def test_the_same_calls_get_the_same_answers(
    marketplace: Marketplace, system: System, frontend: Frontend, answers: Answers
):
    again = replay(marketplace, system, frontend)
    before = {name: each for name, each in answers.items() if isinstance(each, Recorded)}
    found = [
        str(failure)
        for call in frontend.calls
        for failure in differences(call, before[call.name], again[call.name], frontend)
    ]
    assert found == []


STATUSES = {
    r"log in": 200,
    r"log in (with a wrong password|as nobody)": 401,
    r"log in (without a password|with an empty body|with broken JSON)": 422,
    r".*(without log-in|no token|a forged token)": 401,
    r"list .*": 200,
    r"list (no users at all|too many leads|leads from before the first)": 422,
    r"check .*": 200,
    r"read a (user|lead)": 200,
    r".*that does not exist": 404,
    r"read .* by a word": 422,
    r"(remove|replace) .*|read the log-in": 405,
    r"read a lead that is known already": 304,
    r"read a lead that is known as it was": 200,
    r"create a lead( in many scripts| with the longest title| with a body of 100 kB)?": 202,
    r"create a lead that was asked for already": 409,
    r"create a lead (with a title that is too long|without a title|with a user that is no number|from a form)": 422,
    r"create a lead for somebody else": 403,
    r"ask what may be done with leads from the frontend's origin": 200,
    r"ask what may be done with leads from a strange origin": 400,
    r"match buyers with a lead": 200,
    r"match buyers with (no lead|a negative lead)": 422,
    r"ask buyers for a path that they do not know": 404,
}
"""By name; the most particular pattern is the right one: the one that leaves out most."""


def expected(name: str) -> int:
    found = [(pattern, status) for pattern, status in STATUSES.items() if re.fullmatch(pattern, name)]
    assert found, name
    return min(found, key=lambda each: (".*" in each[0], -len(each[0])))[1]


def test_every_call_is_answered_as_its_name_says(frontend: Frontend, answers: Answers):
    got = {call.name: status_of(answers, call.name) for call in frontend.calls}
    assert got == {call.name: expected(call.name) for call in frontend.calls}
