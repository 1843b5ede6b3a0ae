"""The customers: each makes the journey of ``system.yaml`` over and over. Loaded by Locust, not by the package.

Locust patches the standard library on import, which breaks the Kubernetes client: nothing here may import it. Every
request is recorded as one row; Locust's own statistics are not used, they are rounded and closed-loop.
"""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any, ClassVar

from locust import HttpUser, constant, events, runners
from requests.adapters import HTTPAdapter

from seatrial.load.demand import THINK_SECONDS
from seatrial.load.records import COLUMNS
from seatrial.system_file import load_system
from seatrial.system_values import Call

SYSTEM = load_system(Path(os.environ["SEATRIAL_SYSTEM"]))
URLS: dict[str, str] = json.loads(os.environ["SEATRIAL_URLS"])
"""Service to its address from outside."""
HOST = os.environ.get("SEATRIAL_HOST", "")
"""Name that is asked for behind a gateway, whatever its address."""
AUTHORITY = os.environ.get("SEATRIAL_AUTHORITY", "")
"""File of the certificates that are trusted."""
JOURNEY: dict[str, int] = json.loads(os.environ.get("SEATRIAL_JOURNEY") or "{}")
"""Step to its weight; empty: as declared."""
TIMEOUT_SECONDS = 5.0
SILENCE_SECONDS = 30
"""After which the master gives the customers of a worker to the others."""

# the master gives a worker up after 3 s of silence, and the load with the last one: on a busy node that is nothing
runners.HEARTBEAT_LIVENESS = SILENCE_SECONDS

signal.signal(signal.SIGINT, signal.default_int_handler)  # the child of a background job would ignore it

_file = Path(os.environ["SEATRIAL_LOAD_RECORDS"]).open("w", newline="", buffering=1, encoding="utf-8")  # noqa: SIM115
_rows = csv.writer(_file)
_rows.writerow(COLUMNS)


def record(
    name: str, response_time: float, start_time: float, response: Any, exception: BaseException | None, **_: Any
) -> None:
    """Write one row; times in seconds."""
    status = getattr(response, "status_code", 0) or 0
    served_by = response.headers.get(SYSTEM.identity.header, "") if status else ""
    error = "" if exception is None else type(exception).__name__ if not status else f"HTTP {status}"
    _rows.writerow([f"{start_time:.6f}", f"{response_time / 1000:.6f}", name, status, error, served_by])


events.request.add_listener(record)  # type: ignore[no-untyped-call]


class ByName(HTTPAdapter):
    """Greets, and checks, the declared host although the address is that of a node."""

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        return super().init_poolmanager(*args, server_hostname=HOST, assert_hostname=HOST, **options)


class Customer(HttpUser):
    """Makes the steps of the journey in turn, each as often as its weight says."""

    host = "http://each.step.has.its.own"
    wait_time = constant(THINK_SECONDS)

    def on_start(self) -> None:
        self.token = ""
        if HOST:
            self.client.headers["Host"] = HOST
            self.client.mount("https://", ByName())
        if AUTHORITY:
            self.client.verify = AUTHORITY
        weights = JOURNEY or {step.name: step.weight for step in SYSTEM.journey}
        self.steps = [step for step in SYSTEM.journey for _ in range(weights.get(step.name, 0))]
        self.position = id(self) % len(self.steps)  # customers are not in step with each other

    def next_step(self) -> None:
        """Make the next request; log in first where it needs that, and go no further while that fails."""
        step = self.steps[self.position % len(self.steps)]
        self.position += 1
        if step.request.login and not self.token:
            self.log_in()
        if self.token or not step.request.login or not SYSTEM.login:
            self.send(step.name, step.service, step.request)

    tasks: ClassVar = [next_step]  # type: ignore[misc]

    def log_in(self) -> None:
        if SYSTEM.login:
            answer = self.send("log in", SYSTEM.login.service, SYSTEM.login.request)
            if answer.status_code == SYSTEM.login.request.status:
                self.token = answer.json()[SYSTEM.login.token_field]

    def send(self, name: str, service: str, call: Call) -> Any:
        """Send one request over a connection of its own: each is balanced anew."""
        headers = {"Connection": "close"}
        if call.login:
            headers["Authorization"] = f"Bearer {self.token}"
        with self.client.request(
            call.method,
            f"{URLS[service]}{call.path}",
            name=name,
            headers=headers,
            json=call.json_body,
            timeout=TIMEOUT_SECONDS,
            catch_response=True,
        ) as answer:
            if answer.status_code != call.status:
                answer.failure(answer.error or f"HTTP {answer.status_code}")
            else:
                answer.success()
        return answer
