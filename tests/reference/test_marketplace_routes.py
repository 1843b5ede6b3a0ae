"""What customers see of the four services: log-in, lists, reads, creates, matches, and every kind of refusal."""

from __future__ import annotations

import time

import pytest
from marketplace_process import SERVICES, TOKEN_KEY, Marketplace, Running

LISTS = [("users", "/v1/users", 50), ("leads", "/v1/leads", 200), ("buyers", "/v1/buyers", 40)]
WISH = {"title": "Roof repair", "category": "roofing", "city": "Hamburg", "user_id": 1}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def log_in(auth: Running, username: str) -> str:
    token = auth.post("/v1/login", json={"username": username, "password": f"{username}-secret"}).json()["token"]
    assert isinstance(token, str)
    return token


def test_a_log_in_gives_a_token_that_lasts_an_hour(auth: Running):
    answer = auth.post("/v1/login", json={"username": "grace", "password": "grace-secret"})
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    claims = auth.get("/v1/token", headers=bearer(answer.json()["token"])).json()
    assert claims["sub"] == "grace"
    assert 3590 < claims["exp"] - time.time() <= 3600


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong"), ("nobody", "nobody-secret"), ("ada", "")])
def test_a_wrong_log_in_is_refused_and_does_not_tell_which_part_is_wrong(auth: Running, username: str, password: str):
    answer = auth.post("/v1/login", json={"username": username, "password": password})
    assert (answer.status_code, answer.json()) == (401, {"detail": "unknown user or wrong password"})


def refused_tokens() -> dict[str, str]:
    from marketplace import tokens

    good = tokens.issue("ada", TOKEN_KEY)
    forged = good.split(".")[0] + "." + "0" * 64
    expired = tokens.issue("ada", TOKEN_KEY, now=time.time() - 3601)
    return {
        "missing": "Bearer",
        "forged": f"Bearer {forged}",
        "of another key": "Bearer " + tokens.issue("ada", "another key"),
        "expired": f"Bearer {expired}",
        "malformed": "Bearer x.y.z",
        "not ASCII": "Bearer \u00e9",
        "of another scheme": f"Basic {good}",
        "without a scheme": good,
    }


REFUSED = ("missing", "forged", "of another key", "expired", "malformed", "not ASCII", "of another scheme")


@pytest.mark.parametrize("token", [*REFUSED, "without a scheme"])
def test_auth_refuses_a_token_that_is(auth: Running, token: str):
    answer = auth.get("/v1/token", headers={"Authorization": refused_tokens()[token].encode("latin-1")})
    assert (answer.status_code, answer.json()) == (401, {"detail": "the token is not valid"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", REFUSED)
@pytest.mark.parametrize(("service", "path", "_"), LISTS)
def test_every_service_has_auth_refuse_a_token_that_is(
    marketplace: Marketplace, service: str, path: str, _: int, token: str
):
    headers = {"Authorization": refused_tokens()[token].encode("latin-1")}
    answer = marketplace.service(service).get(path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "the token is not valid"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["X-Called"] == "auth=auth-1"


PROTECTED = [
    ("users", "GET", "/v1/users", None),
    ("users", "GET", "/v1/users/1", None),
    ("users", "GET", "/v1/users/me/session", None),
    ("leads", "GET", "/v1/leads", None),
    ("leads", "GET", "/v1/leads/1", None),
    ("leads", "POST", "/v1/leads", WISH),
    ("buyers", "GET", "/v1/buyers", None),
    ("buyers", "POST", "/v1/buyers/match", {"lead_id": 1}),
]


@pytest.mark.parametrize(("service", "method", "path", "body"), PROTECTED)
def test_nothing_is_given_without_a_log_in(
    marketplace: Marketplace, service: str, method: str, path: str, body: object
):
    answer = marketplace.service(service).ask(method, path, json=body, headers={})
    assert (answer.status_code, answer.json()) == (401, {"detail": "a bearer token is needed"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("service", "path", "total"), LISTS)
def test_pages_of_a_list_join_to_the_whole(marketplace: Marketplace, service: str, path: str, total: int):
    running = marketplace.service(service)
    pages = [running.get(path, params={"limit": 100, "offset": offset}).json() for offset in (0, 100, 200)]
    ids = [each["id"] for page in pages for each in page]
    assert ids == list(range(1, total + 1))


@pytest.mark.parametrize(("service", "path", "_"), LISTS)
def test_a_page_has_twenty_entries_unless_asked_otherwise(marketplace: Marketplace, service: str, path: str, _: int):
    running = marketplace.service(service)
    assert [each["id"] for each in running.get(path).json()] == list(range(1, 21))
    assert [each["id"] for each in running.get(path, params={"limit": 2, "offset": 3}).json()] == [4, 5]


@pytest.mark.parametrize("offset", ["200", "1" + "0" * 30])
def test_a_page_behind_the_end_is_empty(leads: Running, offset: str):
    answer = leads.get("/v1/leads", params={"offset": offset})
    assert (answer.status_code, answer.json()) == (200, [])


def test_leads_are_filtered_by_city_before_they_are_paged(leads: Running):
    everything = [
        lead for offset in (0, 100) for lead in leads.get("/v1/leads", params={"limit": 100, "offset": offset}).json()
    ]
    wanted = [lead for lead in everything if lead["city"] == "Porto"]
    assert len(wanted) > 10
    assert leads.get("/v1/leads", params={"city": "Porto", "limit": 100}).json() == wanted
    assert leads.get("/v1/leads", params={"city": "Porto", "limit": 3, "offset": 2}).json() == wanted[2:5]
    assert leads.get("/v1/leads", params={"city": "Atlantis"}).json() == []


def test_a_user_is_read_by_number(users: Running):
    assert users.get("/v1/users/1").json() == {"id": 1, "username": "ada", "name": "Ada", "city": "Graz"}


def test_a_lead_is_read_with_the_name_of_its_user(leads: Running, users: Running):
    lead = leads.get("/v1/leads/7").json()
    assert lead == leads.get("/v1/leads", params={"limit": 1, "offset": 6}).json()[0] | {"user": lead["user"]}
    assert lead["user"] == users.get(f"/v1/users/{lead['user_id']}").json()["name"]


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "text"),
    [
        ("users", "GET", "/v1/users/51", None, "there is no user 51"),
        ("users", "GET", "/v1/users/0", None, "there is no user 0"),
        ("leads", "GET", "/v1/leads/201", None, "there is no lead 201"),
        ("leads", "POST", "/v1/leads", WISH | {"user_id": 51}, "there is no user 51"),
        ("buyers", "POST", "/v1/buyers/match", {"lead_id": 201}, "there is no lead 201"),
        *((service, "GET", "/v1/nothing", None, "Not Found") for service in SERVICES),
    ],
)
def test_what_does_not_exist_is_not_found(
    marketplace: Marketplace, service: str, method: str, path: str, body: object, text: str
):
    answer = marketplace.service(service).ask(method, path, json=body)
    assert (answer.status_code, answer.json()) == (404, {"detail": text})


@pytest.mark.parametrize(
    ("service", "method", "path", "allowed"),
    [
        ("auth", "GET", "/v1/login", "POST"),
        ("auth", "POST", "/v1/token", "GET"),
        ("users", "POST", "/v1/users", "GET"),
        ("leads", "DELETE", "/v1/leads/1", "GET"),
        ("buyers", "GET", "/v1/buyers/match", "POST"),
    ],
)
def test_a_wrong_method_is_refused_with_the_right_one(
    marketplace: Marketplace, service: str, method: str, path: str, allowed: str
):
    answer = marketplace.service(service).ask(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "place"),
    [
        ("auth", "POST", "/v1/login", {"username": "ada"}, ["body", "password"]),
        ("users", "GET", "/v1/users/ada", None, ["path", "user_id"]),
        ("users", "GET", "/v1/users?limit=0", None, ["query", "limit"]),
        ("leads", "GET", "/v1/leads?limit=101", None, ["query", "limit"]),
        ("buyers", "GET", "/v1/buyers?offset=-1", None, ["query", "offset"]),
        ("leads", "POST", "/v1/leads", WISH | {"title": ""}, ["body", "title"]),
        ("leads", "POST", "/v1/leads", WISH | {"title": "x" * 201}, ["body", "title"]),
        ("leads", "POST", "/v1/leads", WISH | {"category": ""}, ["body", "category"]),
        ("leads", "POST", "/v1/leads", WISH | {"city": ""}, ["body", "city"]),
        ("leads", "POST", "/v1/leads", WISH | {"user_id": 0}, ["body", "user_id"]),
        ("leads", "POST", "/v1/leads", WISH | {"user_id": None}, ["body", "user_id"]),
        ("buyers", "POST", "/v1/buyers/match", {}, ["body", "lead_id"]),
        ("buyers", "POST", "/v1/buyers/match", {"lead_id": "first"}, ["body", "lead_id"]),
    ],
)
def test_a_request_that_is_not_as_described_is_refused_with_the_place(
    marketplace: Marketplace, service: str, method: str, path: str, body: object, place: list[str]
):
    answer = marketplace.service(service).ask(method, path, json=body)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [place]


@pytest.mark.parametrize(
    ("service", "path", "body"),
    [
        ("auth", "/v1/login", ""),
        ("auth", "/v1/login", "x"),
        ("auth", "/v1/login", "[]"),
        ("auth", "/v1/login", r'{"username": NaN, "password": 1e999}'),
        ("auth", "/v1/login", r'{"username": "\ud800", "password": "x"}'),
        ("leads", "/v1/leads", r'{"title": "\ud800", "category": "roofing", "city": "Hamburg", "user_id": 1}'),
        ("leads", "/v1/leads", r'{"title": "x", "category": "roofing", "city": "Hamburg", "user_id": NaN}'),
        ("buyers", "/v1/buyers/match", r'{"lead_id": Infinity}'),
    ],
)
def test_a_body_that_nobody_would_send_is_refused_all_the_same(
    marketplace: Marketplace, service: str, path: str, body: str
):
    running = marketplace.service(service)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {running.token}"}
    answer = running.post(path, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_refusal_does_not_repeat_what_was_sent(auth: Running):
    answer = auth.post("/v1/login", json={"username": 1, "password": ["my-password"]})
    assert answer.status_code == 422
    assert "my-password" not in answer.text


def test_a_create_is_accepted_with_the_document_and_nothing_is_stored(leads: Running):
    before = leads.get("/v1/leads", params={"offset": 150, "limit": 100}).json()
    answer = leads.post("/v1/leads", json=WISH)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted", "lead": WISH})
    assert leads.get("/v1/leads", params={"offset": 150, "limit": 100}).json() == before


def test_a_lead_is_created_in_ones_own_name_only(leads: Running, auth: Running):
    answer = leads.post("/v1/leads", json=WISH | {"user_id": 2})
    assert (answer.status_code, answer.json()) == (403, {"detail": "ada may not create a lead for user 2"})
    own = leads.post("/v1/leads", json=WISH | {"user_id": 2}, headers=bearer(log_in(auth, "blaise")))
    assert own.status_code == 202


@pytest.mark.parametrize("lead_id", [1, 50, 200])
def test_a_match_names_the_customer_and_every_buyer_of_that_category_and_city(
    buyers: Running, leads: Running, lead_id: int
):
    lead = leads.get(f"/v1/leads/{lead_id}").json()
    everyone = buyers.get("/v1/buyers", params={"limit": 100}).json()
    match = buyers.post("/v1/buyers/match", json={"lead_id": lead_id}).json()
    assert match == {
        "lead_id": lead_id,
        "customer": lead["user"],
        "buyers": [one for one in everyone if one["category"] == lead["category"] and lead["city"] in one["cities"]],
    }


ROUTES = {
    "auth": {("post", "/v1/login", "200"), ("get", "/v1/token", "200")},
    "users": {
        ("get", "/v1/users", "200"),
        ("get", "/v1/users/{user_id}", "200"),
        ("get", "/v1/users/me/session", "200"),
    },
    "leads": {("get", "/v1/leads", "200"), ("get", "/v1/leads/{lead_id}", "200"), ("post", "/v1/leads", "202")},
    "buyers": {("get", "/v1/buyers", "200"), ("post", "/v1/buyers/match", "200")},
}


@pytest.mark.parametrize("service", SERVICES)
def test_openapi_describes_every_route_and_its_good_answer(marketplace: Marketplace, service: str):
    document = marketplace.service(service).get("/openapi.json").json()
    described = {
        (method, path, min(operation["responses"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert document["info"]["title"] == service
    assert described == ROUTES[service] | {("get", "/whoami", "200")}
    for method, path, status in described:
        assert document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_who_it_is(marketplace: Marketplace, service: str):
    assert marketplace.service(service).get("/whoami", headers={}).json() == {
        "service": service,
        "pod": f"{service}-1",
        "node": "node-a",
        "caller": "",
        "callee": "",
    }


def test_replicas_answer_the_same(marketplace: Marketplace):
    for path in ("/v1/leads?limit=100", "/v1/leads?limit=100&offset=100", "/v1/leads/3", "/openapi.json"):
        one, other = marketplace.leads.get(path), marketplace.disturbed.get(path)
        assert one.text == other.text
        assert (one.headers["X-Served-By"], other.headers["X-Served-By"]) == ("leads-1", "leads-2")
