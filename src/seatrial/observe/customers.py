"""Customers' requests, sent from outside the cluster, and the answers as data."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.observe.calls import token_of
from seatrial.observe.front_door import FrontDoor
from seatrial.system import Login, System
from seatrial.system_values import Call

TIMEOUT_SECONDS = 10.0
REQUEST_ID = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the gateway; ``error`` is empty when there is one."""

    method: str
    url: str
    sent: Mapping[str, str]
    """Headers that the customer sent, by the names that were used."""
    status: int = 0
    headers: Mapping[str, str] | None = None
    """By lower-case name."""
    body: str = ""
    http_version: str = ""
    error: str = ""
    start: float = 0.0
    """Unix seconds."""
    seconds: float = 0.0
    """Until the answer, or the error."""

    def header(self, name: str) -> str:
        return (self.headers or {}).get(name.lower(), "")

    def told(self) -> str:
        """Say what came back, for a reader."""
        return f"no answer: {self.error}" if self.error else f"HTTP {self.status}: {' '.join(self.body.split())[:200]}"


def exchange(
    client: httpx.Client,
    method: str,
    address: str,
    path: str,
    *,
    host: str = "",
    greeted: str = "",
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | None = None,
) -> Reply:
    """Send one request and return its answer; what goes wrong on the way is in ``error``.

    ``host`` is the name that the request asks for, ``greeted`` the one that the greeting asks for, where these are not
    the address itself.
    """
    sent, start = dict(headers or {}), time.time()
    url = f"{address.partition('://')[0]}://{host}{path}" if host else f"{address}{path}"
    named = {**sent, "Host": host} if host else sent
    try:
        answer = client.request(
            method,
            f"{address}{path}",
            headers={name.encode(): value.encode() for name, value in named.items()},  # httpx takes text for ASCII
            json=json,
            content=content,
            extensions={"sni_hostname": greeted} if greeted else {},
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = str(error) or type(error).__name__
        return Reply(method, url, sent, error=told, start=start, seconds=time.time() - start)
    return Reply(
        method,
        url,
        sent,
        answer.status_code,
        {name.lower(): value for name, value in answer.headers.items()},
        answer.text,
        answer.http_version,
        start=start,
        seconds=time.time() - start,
    )


@contextmanager
def customer(door: FrontDoor, *, http2: bool = False) -> Iterator[httpx.Client]:
    """Yield a client that keeps its connections, for :func:`ask`."""
    with httpx.Client(verify=door.trust(), http2=http2, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        yield client


def ask(
    client: httpx.Client,
    door: FrontDoor,
    call: Call,
    *,
    host: str = "",
    scheme: str = "https",
    headers: Mapping[str, str] | None = None,
    token: str = "",
) -> Reply:
    """Send one request to the gateway and return its answer.

    The greeting asks for the declared host whatever ``host`` the request names. The token goes with a call that asks
    for a log-in.
    """
    address = door.url if scheme == "https" else f"http://{door.address}:{door.http_port}"
    sent = {**(headers or {}), **call.bearer(token)}
    return exchange(
        client,
        call.method,
        address,
        call.path,
        host=host or door.host,
        greeted=door.host,
        headers=sent,
        json=call.json_body,
    )


def ask_steadily(
    client: httpx.Client,
    door: FrontDoor,
    call: Call,
    *,
    per_second: float,
    count: int,
    customers: int = 1,
    token: str = "",
    id_prefix: str = "",
) -> tuple[Reply, ...]:
    """Send so many requests, none earlier than the rate says: the first, too, waits for its turn.

    With a prefix each request has an id of its own: the prefix and the request's number.
    """
    began = time.monotonic()

    def send(number: int) -> Reply:
        threading.Event().wait(max(0.0, began + (number + 1) / per_second - time.monotonic()))
        return ask(client, door, call, headers=id_of(id_prefix, number), token=token)

    return _each(send, count, customers)


def ask_at_once(
    client: httpx.Client,
    door: FrontDoor,
    call: Call,
    *,
    count: int,
    customers: int,
    token: str = "",
    id_prefix: str = "",
) -> tuple[Reply, ...]:
    """Send so many requests, at most as many at a time as there are customers; ids as in :func:`ask_steadily`."""
    return _each(
        lambda number: ask(client, door, call, headers=id_of(id_prefix, number), token=token), count, customers
    )


def ask_in_turn(
    client: httpx.Client, door: FrontDoor, call: Call, *, count: int, token: str = "", id_prefix: str = ""
) -> tuple[Reply, ...]:
    """Send so many requests one after the other, each of a new customer over a connection of his own.

    No replica is busier than another then: one that asks the least busy has no reason to prefer the quick ones. And
    each meets one of the gateway's replicas anew: of a few connections that are kept, most can meet the same one.
    Ids as in :func:`ask_steadily`.
    """
    replies = []
    for number in range(count):
        client.cookies.clear()  # nobody is known from the last time
        headers = {"Connection": "close"} | id_of(id_prefix, number)
        replies.append(ask(client, door, call, headers=headers, token=token))
    return tuple(replies)


def id_of(prefix: str, number: int) -> dict[str, str]:
    """Return the header with the id of one of many requests; none without a prefix."""
    return {REQUEST_ID: f"{prefix}{number}"} if prefix else {}


def _each(send: Callable[[int], Reply], count: int, customers: int) -> tuple[Reply, ...]:
    with ThreadPoolExecutor(max_workers=customers) as pool:
        return tuple(pool.map(send, range(count)))


def sign_in(client: httpx.Client, door: FrontDoor, system: System) -> str:
    """Return a token got through the gateway, empty when the system declares no log-in; raises Failed when it fails."""
    return token_in(ask(client, door, system.login.request), system.login) if system.login else ""


def token_in(reply: Reply, login: Login) -> str:
    """Return the token that an answer to the declared log-in holds; raises Failed when it holds none."""
    return token_of(reply.body if reply.status == login.request.status else "", login, reply.told())
