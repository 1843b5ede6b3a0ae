"""The way that the frontend's calls take: to each service by its own port, or to all of them through the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.contract import Frontend, FrontendCall, Recorded, recorded
from seatrial.observe.customers import TIMEOUT_SECONDS, Reply, exchange, token_in
from seatrial.observe.entrance import observe_entrances
from seatrial.observe.front_door import observe_front_door, trust
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
    reply = _ask(client, way, call.service, call.method, call.path, headers=headers, json=call.body, content=content)
    return reply.error or recorded(reply.status, _without(reply.headers or {}, way.cookies), reply.body, frontend)


def _without(headers: Mapping[str, str], gateways: frozenset[str]) -> dict[str, str]:
    """Return an answer's headers without the cookies that the gateway gives by itself."""
    given = re.split(r",\s*(?=[^;,=\s]+=)", headers.get("set-cookie", ""))  # the comma of a date has no = behind it
    kept = ", ".join(each for each in given if each.partition("=")[0].strip() not in gateways)
    others = {name: value for name, value in headers.items() if name != "set-cookie"}
    return others | ({"set-cookie": kept} if kept else {})


def frontend_token(client: httpx.Client, way: WayIn, system: System) -> str:
    """Return a token by the declared log-in, empty where none is declared; raises Failed when it gives none."""
    if system.login is None:
        return ""
    call = system.login.request
    return token_in(_ask(client, way, system.login.service, call.method, call.path, json=call.json_body), system.login)


def _ask(client: httpx.Client, way: WayIn, service: str, method: str, path: str, **content: Any) -> Reply:
    client.cookies.clear()  # the recording says which cookies are sent
    return exchange(client, method, way.urls[service], path, host=way.host, greeted=way.host, **content)
