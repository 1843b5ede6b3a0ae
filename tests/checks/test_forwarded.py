"""Do the services learn who asked, and how?"""

from __future__ import annotations

import json
from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.forwarded import BELIEVED, MISSING, Seen, seen, untold, wrong_client, wrong_way
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Forwarded

from .traffic import told

HOST = "shop.test"
GATEWAY = frozenset({"10.0.0.8", "10.0.0.9"})
DECLARED = Forwarded.model_validate({"request": {"path": "/me"}, "client": "ip"})
GOOD = {"ip": "172.18.0.1", "scheme": "https", "host": HOST}
FORGED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "forged.test"}


def reply(forged: bool = False, status: int = 200, **fields: object) -> Reply:
    sent = {"Authorization": "Bearer http", **(FORGED if forged else {})}
    return Reply("GET", f"https://{HOST}/me", sent, status, {}, json.dumps({**GOOD, **fields}))


def judged(answer: Reply) -> str:
    found = (untold(answer, DECLARED), wrong_way(answer, DECLARED, HOST), wrong_client(answer, DECLARED, GATEWAY))
    return told(failure for failures in found for failure in failures)


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("client", ["172.18.0.1", "10.0.0.1", "fd00::7"])
def test_a_service_that_knows_its_customer_is_fine(client: str, forged: bool):
    assert judged(reply(forged, ip=client)) == ""


def test_the_declared_fields_are_read():
    assert seen(reply(), DECLARED) == Seen("172.18.0.1", "https", HOST)
    assert seen(replace(reply(), body="[]"), DECLARED) == Seen("", "", "")
    assert seen(replace(reply(), body="<html>"), DECLARED) == Seen("", "", "")


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (replace(reply(), status=0, body="", error="timed out"), "no answer: timed out"),
        (reply(status=404), f'HTTP 404: {{"ip": "172.18.0.1", "scheme": "https", "host": "{HOST}"}}'),
        (reply(scheme=None), f'HTTP 200: {{"ip": "172.18.0.1", "scheme": null, "host": "{HOST}"}}'),
        (replace(reply(), body="no JSON"), "HTTP 200: no JSON"),
    ],
    ids=["no answer", "another status", "a field less", "no JSON"],
)
def test_a_service_that_does_not_tell_is_told(answer: Reply, observed: str):
    assert judged(answer) == cleandoc(
        f"""
        GET https://shop.test/me: the service does not tell how the customer came in
          expected  HTTP 200 with ip, scheme, host in a JSON object
          observed  {observed}
        """
    )


def test_a_scheme_that_is_lost_on_the_way_is_told():
    assert judged(reply(scheme="http")) == cleandoc(
        f"""
        GET https://shop.test/me: the service learns of another scheme than the customer used
          expected  scheme https
          observed  scheme http
          hint      {MISSING}
        """
    )


@pytest.mark.parametrize(("field", "asked", "forged"), [("scheme", "https", "http"), ("host", HOST, "forged.test")])
def test_what_a_customer_makes_up_of_his_way_is_not_to_be_believed(field: str, asked: str, forged: str):
    assert judged(reply(forged=True, **{field: forged})) == cleandoc(
        f"""
        GET https://shop.test/me with forged headers: the service learns of another {field} than the customer used
          expected  {field} {asked}
          observed  {field} {forged}
          hint      {BELIEVED}
        """
    )


@pytest.mark.parametrize(
    ("client", "forged", "expected", "observed", "hint"),
    [
        ("10.0.0.8", False, "the address that the gateway saw", "10.0.0.8, of the gateway itself", MISSING),
        ("127.0.0.6", False, "the address that the gateway saw", "127.0.0.6, of the service itself", MISSING),
        (
            "203.0.113.7",
            True,
            "the address that the gateway saw",
            "203.0.113.7, which the customer made up",
            BELIEVED,
        ),
        ("203.0.113.7, 172.18.0.1", True, "an IP address", "203.0.113.7, 172.18.0.1", ""),
        ("unknown", False, "an IP address", "unknown", ""),
    ],
    ids=["the gateway", "a proxy beside the service", "forged", "a whole list", "no address"],
)
def test_an_address_that_is_not_the_customers_is_told(
    client: str, forged: bool, expected: str, observed: str, hint: str
):
    where = " with forged headers" if forged else ""
    lines = [f"GET https://shop.test/me{where}: the service does not learn the customer's address"]
    lines += [f"  expected  {expected}", f"  observed  {observed}", *([f"  hint      {hint}"] if hint else [])]
    assert judged(reply(forged, ip=client)) == "\n".join(lines)
