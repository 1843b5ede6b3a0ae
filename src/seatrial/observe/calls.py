"""Calls of the system's own interface, made from inside the cluster as a pod makes them."""

from __future__ import annotations

import json

from seatrial.errors import Failed, Failure
from seatrial.observe.vantage import Answer, Vantage
from seatrial.system import Login, Service, System
from seatrial.system_values import Call


def call_service(vantage: Vantage, system: System, service: Service, call: Call, token: str = "") -> Answer:
    """Make one declared call from a node; the token is sent when the call asks for a log-in."""
    url = system.url(service, call.path)
    return vantage.call(call.method, url, headers=call.bearer(token), json=call.json_body)


def log_in(vantage: Vantage, system: System) -> str:
    """Return a token, empty when the system declares no log-in; raises Failed when it gives none."""
    if system.login is None:
        return ""
    login = system.login
    answer = call_service(vantage, system, system.service(login.service), login.request)
    told = f"no answer: {answer.error}" if answer.error else f"HTTP {answer.status}: {answer.body[:200]}"
    return token_of(answer.body if answer.status == login.request.status else "", login, told)


def token_of(body: str, login: Login, told: str) -> str:
    """Return the token in an answer's body; raises Failed with what was told instead when there is none."""
    try:
        token = json.loads(body)[login.token_field]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token:
        raise Failed(
            Failure(
                f"{login.service} ({login.request.method} {login.request.path}): no log-in",
                f"HTTP {login.request.status} with a text in the field {login.token_field!r}",
                told,
            )
        )
    return token
