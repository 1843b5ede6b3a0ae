"""The way that the frontend's calls take: to each service by its own port, or to all of them through the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.contract import Frontend, FrontendCall, Recorded, recorded
from seatrial.observe.calls import token_of
from seatrial.observe.entrance import observe_entrances
from seatrial.observe.front_door import TIMEOUT_SECONDS, observe_front_door, trust
from seatrial.system import System


@dataclass(frozen=True, slots=True)
class WayIn:
    """How customers and their frontend come in from outside the cluster."""

    urls: Mapping[str, str]
    """Service to the address that is asked."""
    host: str = ""
    """Name that is asked for at the gateway, whatever its address; empty where there is none."""
    authority: str = ""
    """Certificates in PEM that customers trust."""
    cookies: frozenset[str] = frozenset()
    """Names of the cookies that the gateway gives by itself: declared, and of no account to the frontend."""


def observe_way_in(
    cluster: Cluster, system: System, frontend: Frontend | None = None, *, through_gateway: bool
) -> WayIn:
    """Return the way in to the services of the journey, and to those that the frontend calls.

    Raises EnvironmentFault where it is not there.
    """
    if not through_gateway or system.gateway is None:
        called = {call.service for call in frontend.calls} if frontend else set()
        return WayIn(observe_entrances(cluster, system, called))
    door = observe_front_door(cluster, system, system.gateway)
    urls = dict.fromkeys((each.name for each in system.services), door.url)
    return WayIn(urls, door.host, door.authority, system.gateway.cookies)


@contextmanager
def frontend_client(way: WayIn) -> Iterator[httpx.Client]:
    """Yield a client for :func:`send`."""
    verify = trust(way.authority) if way.host else True
    with httpx.Client(verify=verify, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        yield client


def send(client: httpx.Client, way: WayIn, call: FrontendCall, frontend: Frontend, token: str) -> Recorded | str:
    """Send one call of the frontend and return its answer, or why there is none."""
    headers = {name: value.replace("{token}", token) for name, value in call.headers.items()}
    if call.login:
        headers["Authorization"] = f"Bearer {token}"
    content = None if call.text is None else call.text.encode()
    try:
        answer = _request(client, way, call.service, call.method, call.path, headers, call.body, content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return recorded(answer.status_code, _headers(answer, way.cookies), answer.text, frontend)


def _headers(answer: httpx.Response, gateways: frozenset[str]) -> dict[str, str]:
    """Return an answer's headers by lower-case name, without the cookies of the gateway."""
    found: dict[str, list[str]] = {}
    for name, value in answer.headers.multi_items():  # httpx gives names in lower case
        if name != "set-cookie" or value.partition("=")[0].strip() not in gateways:
            found.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in found.items()}


def frontend_token(client: httpx.Client, way: WayIn, system: System) -> str:
    """Return a token by the declared log-in, empty where none is declared; raises Failed when it gives none."""
    if system.login is None:
        return ""
    login, call = system.login, system.login.request
    try:
        answer = _request(client, way, login.service, call.method, call.path, {}, call.json_body, None)
    except httpx.HTTPError as error:
        return token_of("", login, f"no answer: {str(error) or type(error).__name__}")
    told = f"HTTP {answer.status_code}: {answer.text[:200]}"
    return token_of(answer.text if answer.status_code == call.status else "", login, told)


def _request(
    client: httpx.Client,
    way: WayIn,
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    json: Any,
    content: bytes | None,
) -> httpx.Response:
    named = {**headers, "Host": way.host} if way.host else dict(headers)
    sent = {name.encode(): value.encode() for name, value in named.items()}  # httpx takes text for ASCII
    extensions = {"sni_hostname": way.host} if way.host else {}
    client.cookies.clear()  # the recording says which cookies are sent
    return client.request(
        method, f"{way.urls[service]}{path}", headers=sent, json=json, content=content, extensions=extensions
    )
