"""The frontend's calls and their recorded answers: what a broken file is told, and each way in which answers differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.contract import (
    Frontend,
    FrontendCall,
    Recorded,
    answers_path,
    differences,
    load_answers,
    load_frontend,
    recorded,
    save_answers,
)
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.system import System
from seatrial.system_file import load_system, parse_system

CALL = "{name: list, service: items, path: /items}"
NAME = "a name of at most 63 lower-case letters, digits and inner dashes"
FRONTEND = Frontend.model_validate(
    {
        "headers": ["Content-Type", "ETag", "Set-Cookie"],
        "volatile": ["token", "exp", "Set-Cookie"],
        "calls": [{"name": "list", "service": "items", "path": "/items"}],
    },
    strict=False,
)
RECORD = "run 'seatrial contract record' on the deployment that counts"


@pytest.fixture
def system() -> System:
    return parse_system("name: shop\nnamespace: shop\nservices: [{name: items}, {name: auth}]\n", "system.yaml")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls.yaml"


def refusal_of(calls: Path, text: str | bytes, system: System) -> str:
    """Return what a broken file of calls is told, without its name at the beginning."""
    calls.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load_frontend(calls, system)
    told = str(caught.value)
    assert told.startswith(f"{calls}: ")
    assert "\n" not in told
    return told.removeprefix(f"{calls}: ")


def one_call(**fields: Any) -> str:
    return json.dumps({"headers": [], "calls": [{"name": "list", "service": "items", "path": "/items"} | fields]})


def test_the_calls_of_the_reference_system_are_read():
    frontend = load_frontend(ROOT / "reference/frontend/calls.yaml", load_system(ROOT / "system.yaml"))
    assert {call.service for call in frontend.calls} == {"auth", "users", "leads", "buyers"}
    assert {"content-type", "etag", "set-cookie"} < set(frontend.headers)


def test_a_call_that_says_no_more_is_a_plain_read(calls: Path, system: System):
    calls.write_text(f"headers: []\ncalls:\n  - {CALL}\n")
    (call,) = load_frontend(calls, system).calls
    assert (call.method, call.headers, call.body, call.text, call.login) == ("GET", {}, None, None, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "give a mapping with headers, calls, not null"),
        ("- a\n- b\n", 'give a mapping with headers, calls, not ["a", "b"]'),
        ("headers: []\n", "calls: is missing; give a list that is not empty"),
        ("headers: []\ncalls: []\n", "calls: give a list that is not empty, not []"),
        ("headers: []\ncalls: all\n", 'calls: give a list that is not empty, not "all"'),
        (f"calls: [{CALL}]\n", "headers: is missing; give a list"),
        (f"headers: etag\ncalls: [{CALL}]\n", 'headers: give a list, not "etag"'),
        (f"headers: [1]\ncalls: [{CALL}]\n", "headers[0]: give text, not 1"),
        (f"headers: []\nvolatil: []\ncalls: [{CALL}]\n", "volatil: there is no such field; did you mean volatile?"),
        (f"headers: []\ncalls: [{CALL}, list]\n", 'calls[1]: give a mapping with name, service, path, not "list"'),
        (one_call(name=""), 'calls[0].name: give text that is not empty, not ""'),
        (one_call(service="Items"), f'calls[0].service: give {NAME}, not "Items"'),
        (one_call(path="items"), 'calls[0].path: give a path that begins with / and has no blanks, not "items"'),
        (one_call(path=None), "calls[0].path: give a path that begins with / and has no blanks, not null"),
        (one_call(metod="PUT"), "calls[0].metod: there is no such field; did you mean method?"),
        (one_call(headers=["Accept"]), 'calls[0].headers: give a mapping, not ["Accept"]'),
        (one_call(headers={"X-Page": 2}), "calls[0].headers.X-Page: give text, not 2"),
        (
            one_call(headers={"X Page": "2"}),
            'calls[0].headers: give a header name of letters, digits and dashes, not "X Page"',
        ),
        (one_call(login="perhaps"), 'calls[0].login: give true or false, not "perhaps"'),
        (one_call(text=5), "calls[0].text: give text, not 5"),
        (one_call(json={}, padding=-1), "calls[0].padding: give an integer from 0 to 5e+07, not -1"),
        (one_call(padding=5), "calls[0]: padding needs fields to be added to; give a mapping as json"),
        (one_call(padding=5, json=[1]), "calls[0]: padding needs fields to be added to; give a mapping as json"),
        (one_call(text="a", json={}), "calls[0]: json and text are both given; leave one of them out"),
        (
            "headers: []\ncalls: [{name: a, service: items, path: /, json: {day: 2026-01-31}}]\n",
            "calls[0]: json cannot be sent: Object of type date is not JSON serializable; put it in quotes",
        ),
        (
            "headers: []\ncalls: [{name: a, service: items, path: /, json: {price: .nan}}]\n",
            "calls[0]: json cannot be sent: Out of range float values are not JSON compliant; put it in quotes",
        ),
        (
            f"headers: []\ncalls: [{CALL}, {CALL.replace('list', 'read')}, {CALL}]\n",
            "two calls are named 'list'; give each a name of its own",
        ),
        (one_call(service="item"), "calls[0].service: 'item' is not a service of shop; did you mean items?"),
        (one_call(service="mail"), "calls[0].service: 'mail' is not a service of shop; choose from items, auth"),
        (b"headers: [\xff]\n", "is not UTF-8 text; save the file as UTF-8"),
    ],
)
def test_a_broken_file_of_calls_is_told_its_entry_and_what_would_be_right(
    calls: Path, system: System, text: str | bytes, told: str
):
    assert refusal_of(calls, text, system) == told


def test_what_is_no_yaml_is_told_with_its_place(calls: Path, system: System):
    told = refusal_of(calls, "headers: [\n  a: ]b\n", system)
    assert told.startswith("not YAML: ")
    assert "line 2, column" in told


def test_a_file_of_calls_that_is_not_there_is_one_line(calls: Path, system: System):
    with pytest.raises(UsageError) as caught:
        load_frontend(calls, system)
    assert str(caught.value) == f"{calls}: No such file or directory; name the file of the frontend's calls"


def test_padding_is_one_more_field_and_leaves_the_others():
    call = FrontendCall.model_validate(
        {"name": "a", "service": "items", "path": "/", "json": {"title": "x"}, "padding": 3}
    )
    assert call.body == {"title": "x", "padding": "xxx"}
    assert call.json_body == {"title": "x"}


def test_saved_answers_are_read_back_as_they_were(calls: Path):
    answers = {
        "list": Recorded(
            status=200, headers={"etag": 'W/"1"'}, body=[{"name": "Zoë 屋根 🏠", "price": 1.0, "old": None}]
        ),
        "gone": Recorded(status=204, headers={}, body=""),
    }
    path = save_answers(calls, answers)
    assert path == answers_path(calls) == calls.with_name("calls.answers.json")
    assert load_answers(calls, FRONTEND) == answers
    assert "Zoë 屋根 🏠" in path.read_text(encoding="utf-8")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_recording_the_same_answers_again_in_another_order_changes_nothing(calls: Path):
    one, other = (Recorded(status=200, headers={"b": "1", "a": "2"}, body={"y": 1, "x": 2}) for _ in range(2))
    first = save_answers(calls, {"a": one, "b": other}).read_bytes()
    assert save_answers(calls, {"b": other, "a": one}).read_bytes() == first
    assert first.endswith(b"}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", f"no answer to 'list'; {RECORD}"),
        ('{"read": {"status": 200, "headers": {}, "body": 1}}', f"no answer to 'list'; {RECORD}"),
        ("[]", f"not a recording: input should be an object; {RECORD}"),
        ('{"list": 200}', f"not a recording: list: input should be an object; {RECORD}"),
        ('{"list": {"status": 200, "headers": {}}}', f"not a recording: list.body: field required; {RECORD}"),
        (
            '{"list": {"status": "200", "headers": {}, "body": 1}}',
            f"not a recording: list.status: input should be a valid integer; {RECORD}",
        ),
        (
            '{"list": {"status": 200, "headers": {"etag": null}, "body": 1}}',
            f"not a recording: list.headers.etag: input should be a valid string; {RECORD}",
        ),
    ],
)
def test_broken_answers_are_told_with_their_entry(calls: Path, text: str, told: str):
    answers_path(calls).write_text(text)
    with pytest.raises(UsageError) as caught:
        load_answers(calls, FRONTEND)
    assert str(caught.value) == f"{answers_path(calls)}: {told}"


@pytest.mark.parametrize("content", [b"", b"{", b'{"list": "\xff"}'], ids=["empty", "cut off", "not UTF-8"])
def test_answers_that_are_no_json_are_one_line(calls: Path, content: bytes):
    answers_path(calls).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load_answers(calls, FRONTEND)
    told = str(caught.value)
    assert told.startswith(f"{answers_path(calls)}: not a recording: invalid JSON: ")
    assert told.endswith(f"; {RECORD}")
    assert "\n" not in told


def test_answers_that_were_never_recorded_say_how_to_record_them(calls: Path):
    with pytest.raises(UsageError) as caught:
        load_answers(calls, FRONTEND)
    assert str(caught.value) == f"{answers_path(calls)}: No such file or directory; {RECORD}"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"a": [1, 1.0, true, null]}', {"a": [1, 1.0, True, None]}),
        ("null", None),
        ("", ""),
        ("no such path\n", "no such path\n"),
        ("<html>", "<html>"),
    ],
)
def test_a_body_is_kept_decoded_and_as_text_where_it_is_no_json(body: str, kept: object):
    assert recorded(200, {}, body, FRONTEND).body == kept


def test_only_the_headers_that_count_are_kept_whatever_their_case():
    headers = {"content-type": "text/plain", "etag": "1", "date": "today", "x-served-by": "items-1"}
    assert recorded(200, headers, "", FRONTEND).headers == {"content-type": "text/plain", "etag": "1"}


def answer(body: Any = "", status: int = 200, **headers: str) -> Recorded:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Recorded(status=status, headers=named, body=body)


def lines(before: Recorded, now: Recorded) -> list[str]:
    """Return in which fields an answer differs."""
    return [line for failure in differences(FRONTEND.calls[0], before, now, FRONTEND) for line in failure.details]


def test_a_failure_names_the_call_and_every_difference_in_one_piece():
    before = answer({"id": 1, "city": "Lyon"}, etag="1", content_type="application/json")
    now = answer({"id": 2, "town": "Lyon"}, 404, content_type="text/html")
    (failure,) = differences(FRONTEND.calls[0], before, now, FRONTEND)
    assert str(failure) == (
        "list (GET /items, items): the frontend gets another answer\n"
        "  expected  HTTP 200, as recorded\n"
        "  observed  HTTP 404, 6 differences\n"
        "            status: 404 instead of 200\n"
        '            header content-type: "text/html" instead of "application/json"\n'
        '            header etag: missing; it was "1"\n'
        '            body.city: missing; it was "Lyon"\n'
        "            body.id: 2 instead of 1\n"
        '            body.town: new: "Lyon"'
    )


def test_one_difference_is_said_to_be_one():
    (failure,) = differences(FRONTEND.calls[0], answer(1), answer(2), FRONTEND)
    assert failure.observed == "HTTP 200, one difference"


def test_no_answer_at_all_is_told_with_its_reason():
    (failure,) = differences(FRONTEND.calls[0], answer(status=404), "connection refused", FRONTEND)
    assert str(failure) == (
        "list (GET /items, items): the frontend gets another answer\n"
        "  expected  HTTP 404\n"
        "  observed  no answer: connection refused"
    )


@pytest.mark.parametrize(
    "body",
    ["", None, 0, 1.5, "text", [], {}, [{"a": [1, None, "ü"]}], {"x": {"y": [True, False]}}],
)
def test_equal_answers_differ_in_nothing(body: object):
    assert lines(answer(body, etag="1"), answer(body, etag="1")) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (1, True, "true instead of 1"),
        (0, False, "false instead of 0"),
        (1, 1.0, "1.0 instead of 1"),
        (1, "1", '"1" instead of 1'),
        (None, False, "false instead of null"),
        (None, "", '"" instead of null'),
        ("", None, 'null instead of ""'),
        ([], {}, "{} instead of []"),
        ({}, None, "null instead of {}"),
        ("Köln", "Koln", '"Koln" instead of "Köln"'),
        ("a\nb", "ab", r'"ab" instead of "a\nb"'),
    ],
)
def test_values_of_different_kinds_are_different_wherever_they_stand(old: object, new: object, told: str):
    assert lines(answer(old), answer(new)) == [f"body: {told}"]
    assert lines(answer({"a": [{"b": old}]}), answer({"a": [{"b": new}]})) == [f"body.a[0].b: {told}"]


def test_null_is_not_the_same_as_left_out():
    assert lines(answer({"a": None}), answer({})) == ["body.a: missing; it was null"]
    assert lines(answer({}), answer({"a": None})) == ["body.a: new: null"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([1, 2, 3], [1, 2], ["body: a list of 2 instead of 3"]),
        ([], [{"a": 1}], ["body: a list of 1 instead of 0"]),
        ([1, 2], [1, 5, 2], ["body: a list of 3 instead of 2", "body[1]: 5 instead of 2"]),
        ([1, 2], [2, 1], ["body[0]: 2 instead of 1", "body[1]: 1 instead of 2"]),
        ({"a": [[], [1]]}, {"a": [[], []]}, ["body.a[1]: a list of 0 instead of 1"]),
    ],
)
def test_lists_are_compared_by_length_and_entry_by_entry(old: object, new: object, told: list[str]):
    assert lines(answer(old), answer(new)) == told


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (answer(etag="1"), answer(etag="2"), ['header etag: "2" instead of "1"']),
        (answer(etag="1"), answer(), ['header etag: missing; it was "1"']),
        (answer(), answer(etag="1"), ['header etag: new: "1"']),
        (answer(etag=""), answer(), ['header etag: missing; it was ""']),
        (answer(set_cookie="a"), answer(set_cookie="b"), []),
        (answer(set_cookie="a"), answer(), ['header set-cookie: missing; it was "a"']),
        (answer(), answer(set_cookie="a"), ['header set-cookie: new: "a"']),
    ],
)
def test_headers_are_compared_and_of_a_volatile_one_only_that_it_is_there(
    before: Recorded, now: Recorded, told: list[str]
):
    assert lines(before, now) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"token": "a"}, {"token": "b"}, []),
        ({"exp": 1}, {"exp": 2}, []),
        ({"exp": 1}, {"exp": 2.0}, ["body.exp: 2.0 instead of 1"]),
        ({"exp": 1}, {"exp": None}, ["body.exp: null instead of 1"]),
        ({"token": "a"}, {"token": ["a"]}, ['body.token: ["a"] instead of "a"']),
        ({"token": "a"}, {}, ['body.token: missing; it was "a"']),
        ({}, {"token": "a"}, ['body.token: new: "a"']),
        ({"token": {"a": 1}}, {"token": {"b": 2}}, []),
        ([{"in": {"token": "a"}}], [{"in": {"token": "b"}}], []),
        ({"tokens": "a"}, {"tokens": "b"}, ['body.tokens: "b" instead of "a"']),
        ({"csrf.token": "a"}, {"csrf.token": "b"}, ['body.csrf.token: "b" instead of "a"']),
    ],
)
def test_of_a_volatile_field_only_its_kind_is_compared(old: object, new: object, told: list[str]):
    assert lines(answer(old), answer(new)) == told


def test_long_values_are_shown_from_shortly_before_they_part():
    old, new = "x" * 200 + "old" + "y" * 200, "x" * 200 + "new" + "y" * 200
    (line,) = lines(answer(old), answer(new))
    before, after = "x" * 30, "y" * 87
    assert line == f"body: …{before}new{after}… instead of …{before}old{after}…"


def test_long_values_that_part_at_once_are_cut_at_their_end():
    (line,) = lines(answer("a" * 200), answer("b" * 200))
    assert line == f'body: "{"b" * 119}… instead of "{"a" * 119}…'
