"""What browsers see beside the plain calls: the session cookie, other origins, answers that they know already."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from marketplace_process import CLIENT, SERVICES, Launcher, Marketplace, Running

OURS, STRANGE = "https://marketplace.test", "https://elsewhere.test"
LISTS = [("users", "/v1/users"), ("leads", "/v1/leads"), ("buyers", "/v1/buyers")]
LOG_IN = {"username": "grace", "password": "grace-secret"}


def asked(running: Running, method: str, path: str, headers: Any, **request: Any) -> httpx.Response:
    """Send exactly these headers, and no cookie of an earlier answer."""
    CLIENT.cookies.clear()
    return running.ask(method, path, headers=headers, **request)


def logged_in(running: Running, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.token}", **more}


def session_of(auth: Running, credentials: Mapping[str, str] = LOG_IN) -> tuple[str, httpx.Response]:
    answer = asked(auth, "POST", "/v1/login", {}, json=dict(credentials))
    return answer.headers["Set-Cookie"].partition(";")[0], answer


def test_a_log_in_gives_a_cookie_that_scripts_cannot_read_and_other_sites_cannot_send(auth: Running):
    _, answer = session_of(auth)
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert (cookie.key, cookie.value) == ("session", answer.json()["token"])
    assert {name: value for name, value in cookie.items() if value} == {
        "path": "/v1",
        "max-age": "3600",
        "httponly": True,
        "secure": True,
        "samesite": "strict",
    }


@pytest.mark.parametrize("credentials", [LOG_IN | {"password": "wrong"}, {"username": "grace"}])
def test_a_refused_log_in_gives_no_cookie(auth: Running, credentials: dict[str, str]):
    answer = asked(auth, "POST", "/v1/login", {}, json=credentials)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("service", "path"), LISTS)
def test_the_cookie_is_as_good_as_the_header(marketplace: Marketplace, service: str, path: str):
    cookie, _ = session_of(marketplace.auth)
    running = marketplace.service(service)
    by_cookie = asked(running, "GET", path, {"Cookie": f"theme=dark; {cookie}"})
    assert by_cookie.status_code == 200
    assert by_cookie.text == asked(running, "GET", path, logged_in(running)).text


def test_the_cookie_is_passed_on_to_every_service_that_is_called(marketplace: Marketplace):
    cookie, _ = session_of(marketplace.auth)
    answer = asked(marketplace.buyers, "POST", "/v1/buyers/match", {"Cookie": cookie}, json={"lead_id": 1})
    assert (answer.status_code, answer.headers["X-Called"]) == (200, "leads=leads-1,users=users-1")


def test_the_header_counts_where_both_are_sent(auth: Running):
    cookie, _ = session_of(auth)
    assert asked(auth, "GET", "/v1/token", {"Cookie": cookie}).json()["sub"] == "grace"
    assert asked(auth, "GET", "/v1/token", logged_in(auth, Cookie=cookie)).json()["sub"] == "ada"
    answer = asked(auth, "GET", "/v1/token", {"Cookie": cookie, "Authorization": "Bearer forged"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("cookie", "text"),
    [
        (b"session=forged", "the token is not valid"),
        (b"session=\xe9", "the token is not valid"),
        (b"session=", "a bearer token is needed"),
        (b"Session=x", "a bearer token is needed"),
        (b"other=x", "a bearer token is needed"),
        (b"session", "a bearer token is needed"),
        (rb'session="a\012b"', "a bearer token is needed"),
        (rb'session="a "', "a bearer token is needed"),
    ],
)
def test_a_cookie_that_is_no_session_is_refused_as_a_header_is(leads: Running, cookie: bytes, text: str):
    answer = asked(leads, "GET", "/v1/leads", {b"Cookie": cookie})
    assert (answer.status_code, answer.json()) == (401, {"detail": text})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def preflight(running: Running, origin: str, method: str = "POST", headers: str = "authorization") -> httpx.Response:
    given = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return asked(running, "OPTIONS", "/v1/leads", given)


@pytest.mark.parametrize("service", SERVICES)
def test_scripts_of_our_origin_may_read_and_write_with_a_log_in(marketplace: Marketplace, service: str):
    answer = preflight(marketplace.service(service), OURS, headers="authorization,content-type,x-request-id")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "x-request-id"} <= allowed
    assert answer.headers["X-Served-By"] == f"{service}-1"


@pytest.mark.parametrize(
    "asked_for",
    [{"origin": STRANGE}, {"origin": OURS, "method": "DELETE"}, {"origin": OURS, "headers": "x-strange"}],
    ids=["origin", "method", "header"],
)
def test_what_is_not_allowed_is_refused_before_it_is_sent(leads: Running, asked_for: dict[str, str]):
    assert preflight(leads, **asked_for).status_code == 400


@pytest.mark.parametrize(
    "origin", [STRANGE, "https://marketplace.test.elsewhere.test", "http://marketplace.test", "null"]
)
def test_a_strange_origin_is_never_named_as_allowed(leads: Running, origin: str):
    assert "Access-Control-Allow-Origin" not in preflight(leads, origin).headers
    assert (
        "Access-Control-Allow-Origin" not in asked(leads, "GET", "/v1/leads", logged_in(leads, Origin=origin)).headers
    )


@pytest.mark.parametrize(("path", "status"), [("/v1/leads", 200), ("/v1/leads/201", 404), ("/v1/leads/x", 422)])
def test_good_answers_and_refusals_can_both_be_read_by_our_scripts(leads: Running, path: str, status: int):
    answer = asked(leads, "GET", path, logged_in(leads, Origin=OURS))
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)
    assert "Origin" in answer.headers["Vary"]


def test_callers_that_are_no_scripts_see_nothing_of_origins(leads: Running):
    assert not [name for name in asked(leads, "GET", "/v1/leads", logged_in(leads)).headers if "access" in name.lower()]


def test_origins_are_those_of_the_setting(launcher: Launcher):
    running = launcher.start("users", "users-origins", ALLOWED_ORIGINS=f"{STRANGE},http://localhost:5173")
    assert preflight(running, STRANGE).headers["Access-Control-Allow-Origin"] == STRANGE
    assert preflight(running, "http://localhost:5173").status_code == 200
    assert preflight(running, OURS).status_code == 400


def tag_of(running: Running, path: str) -> str:
    tag = asked(running, "GET", path, logged_in(running)).headers["ETag"]
    assert isinstance(tag, str)
    return tag


def test_a_tag_is_of_the_content_and_the_same_at_every_replica(marketplace: Marketplace):
    first = tag_of(marketplace.leads, "/v1/leads/1")
    assert first == tag_of(marketplace.leads, "/v1/leads/1") == tag_of(marketplace.disturbed, "/v1/leads/1")
    assert first.startswith('W/"')
    assert first != tag_of(marketplace.leads, "/v1/leads/2")


@pytest.mark.parametrize(
    "known",
    ["{tag}", '"other", {tag}', '{tag},W/"other"', "*", "{strong}", '"other" , {strong}'],
    ids=["it", "the last", "the first", "any", "strong", "strong, the last"],
)
def test_what_is_known_already_is_not_sent_again(leads: Running, known: str):
    tag = tag_of(leads, "/v1/leads/1")
    given = known.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = asked(leads, "GET", "/v1/leads/1", logged_in(leads, **{"If-None-Match": given}))
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert "Content-Length" not in answer.headers
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-Served-By"] == "leads-1"


def test_tags_may_be_sent_in_several_headers(leads: Running):
    tag = tag_of(leads, "/v1/leads/1")
    headers = [*logged_in(leads).items(), ("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert asked(leads, "GET", "/v1/leads/1", headers).status_code == 304


@pytest.mark.parametrize("known", ['W/"0123456789abcdef"', "", ",", 'W/""', "nonsense"])
def test_what_is_known_otherwise_is_sent_in_full(leads: Running, known: str):
    answer = asked(leads, "GET", "/v1/leads/1", logged_in(leads, **{"If-None-Match": known}))
    assert (answer.status_code, answer.json()["id"]) == (200, 1)
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_connection_goes_on_after_an_answer_without_a_body(leads: Running):
    with httpx.Client(trust_env=False) as kept:
        for known, status in (("*", 304), ("", 200), ("*", 304)):
            headers = logged_in(leads, **{"If-None-Match": known})
            assert kept.get(f"{leads.url}/v1/leads/1", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/leads/201", 404), ("GET", "/v1/leads/x", 422), ("DELETE", "/v1/leads", 405), ("GET", "/livez", 200)],
)
def test_refusals_and_the_platform_have_no_tag_and_no_304(leads: Running, method: str, path: str, status: int):
    answer = asked(leads, method, path, logged_in(leads, **{"If-None-Match": "*"}))
    assert answer.status_code == status
    assert "ETag" not in answer.headers


def test_tokens_and_what_they_hold_are_kept_nowhere(auth: Running):
    _, log_in = session_of(auth)
    check = asked(auth, "GET", "/v1/token", logged_in(auth, **{"If-None-Match": "*"}))
    assert check.status_code == 200
    for answer in (log_in, check):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers


def test_who_is_not_logged_in_does_not_learn_that_an_answer_is_the_same(leads: Running):
    answer = asked(leads, "GET", "/v1/leads/1", {"If-None-Match": "*"})
    assert answer.status_code == 401
    assert "ETag" not in answer.headers


def test_our_scripts_can_read_that_an_answer_is_known(leads: Running):
    answer = asked(leads, "GET", "/v1/leads/1", logged_in(leads, Origin=OURS, **{"If-None-Match": "*"}))
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (304, OURS)


def own_lead(running: Running) -> dict[str, Any]:
    """Return a lead of ada as she would ask for it again."""
    pages = [
        asked(running, "GET", f"/v1/leads?limit=100&offset={offset}", logged_in(running)).json() for offset in (0, 100)
    ]
    lead = next(lead for page in pages for lead in page if lead["user_id"] == 1)
    return {name: value for name, value in lead.items() if name != "id"}


def test_a_lead_is_asked_for_once(leads: Running):
    wish = own_lead(leads)
    answer = asked(leads, "POST", "/v1/leads", logged_in(leads), json=wish)
    assert answer.status_code == 409
    assert answer.json() == {"detail": f"user 1 has asked for {wish['title']!r} in {wish['city']} already"}


@pytest.mark.parametrize("other", [{"title": "Another"}, {"city": "Atlantis"}])
def test_another_lead_of_the_same_user_is_accepted(leads: Running, other: dict[str, str]):
    answer = asked(leads, "POST", "/v1/leads", logged_in(leads), json=own_lead(leads) | other)
    assert answer.status_code == 202


def test_the_same_lead_of_another_user_is_accepted(marketplace: Marketplace):
    cookie, _ = session_of(marketplace.auth, {"username": "blaise", "password": "blaise-secret"})
    wish = own_lead(marketplace.leads) | {"user_id": 2, "title": "In Lyon"}
    answer = asked(marketplace.leads, "POST", "/v1/leads", {"Cookie": cookie}, json=wish)
    assert answer.status_code == 202


def test_who_may_not_ask_does_not_learn_what_was_asked_for(leads: Running, auth: Running):
    cookie, _ = session_of(auth)
    assert asked(leads, "POST", "/v1/leads", {"Cookie": cookie}, json=own_lead(leads)).status_code == 403
