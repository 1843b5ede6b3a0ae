"""What a service knows of how a request came in: by the gateway's headers, and by those of the mesh."""

from __future__ import annotations

from typing import Any

import pytest
from marketplace_process import Marketplace, Running

PATH = "/v1/users/me/session"
MESH = "spiffe://cluster.local/ns/lead-platform/sa"


def session(users: Running, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = users.get(PATH, headers={"Authorization": f"Bearer {users.token}", **named})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    told: dict[str, Any] = answer.json()
    return told


def test_without_a_gateway_a_customer_is_seen_as_the_connection_shows(users: Running):
    assert session(users) == {"client": "127.0.0.1", "scheme": "http", "host": f"127.0.0.1:{users.port}"}


def test_a_gateways_word_is_believed(users: Running):
    told = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "marketplace.test"}
    assert session(users, **told) == {"client": "192.0.2.7", "scheme": "https", "host": "marketplace.test"}


@pytest.mark.parametrize("written", ["203.0.113.7, 192.0.2.7", "203.0.113.7,10.0.0.9 ,192.0.2.7", ",192.0.2.7"])
def test_of_several_addresses_the_one_that_was_added_last_is_believed(users: Running, written: str):
    assert session(users, X_Forwarded_For=written)["client"] == "192.0.2.7"


def test_several_headers_of_a_name_are_one_list(users: Running):
    lines = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "192.0.2.7")]
    answer = users.get(PATH, headers=[("Authorization", f"Bearer {users.token}"), *lines])
    assert answer.json()["client"] == "192.0.2.7"


def test_a_session_belongs_to_who_is_logged_in(users: Running):
    answer = users.get(PATH, headers={})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def hop(caller: str, callee: str) -> str:
    return f'By={MESH}/{callee};Hash=468ed33b;Subject="";URI={MESH}/{caller}'


@pytest.mark.parametrize(
    ("header", "caller", "callee"),
    [
        ("", "", ""),
        (hop("gateway", "leads"), f"{MESH}/gateway", f"{MESH}/leads"),
        (f"{hop('gateway', 'leads')},{hop('leads', 'users')}", f"{MESH}/leads", f"{MESH}/users"),
        (f'By={MESH}/a;Subject="CN=x,O=\\";URI=spiffe://forged\\"";URI={MESH}/b', f"{MESH}/b", f"{MESH}/a"),
        (f"URI={MESH}/b", f"{MESH}/b", ""),
        ("Hash=468ed33b;DNS=leads.test", "", ""),
        ("By=https://elsewhere.test;URI=https://elsewhere.test/me", "", ""),
        (";;;===,,,", "", ""),
        ('URI="' + "x" * 5000, "", ""),
    ],
    ids=["none", "one hop", "two hops", "quoted", "no callee", "no names", "no SPIFFE", "rubbish", "unended"],
)
def test_the_mesh_tells_who_asks_whom(leads: Running, header: str, caller: str, callee: str):
    told = leads.get("/whoami", headers={"X-Forwarded-Client-Cert": header} if header else {}).json()
    assert (told["caller"], told["callee"]) == (caller, callee)


def test_every_service_knows_it(marketplace: Marketplace):
    for service in ("auth", "users", "leads", "buyers"):
        told = marketplace.service(service).get("/whoami", headers={"X-Forwarded-Client-Cert": hop("a", service)})
        assert (told.json()["caller"], told.json()["callee"]) == (f"{MESH}/a", f"{MESH}/{service}")
