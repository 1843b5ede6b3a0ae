"""What a seeded fault expects is what the check says of it: the reason is searched in the real text of the failure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from seatrial.checks.attempts import Storm, tried_too_often
from seatrial.checks.regulars import deserted, not_staying
from seatrial.checks.reliability import Bound, too_many_failures
from seatrial.checks.slowdown import Compared, Margin, Slowdown, too_slow
from seatrial.errors import Failure
from seatrial.observe.customers import Reply
from seatrial.observe.records import Request, Traffic
from seatrial.observe.regulars import Visits
from seatrial.observe.request_log import Attempt
from seatrial.power.mutants import load_mutants
from seatrial.system_gateway import Affinity, Route

BUYERS = Route(path="/v1/buyers", service="buyers", affinity=Affinity(cookie="marketplace-replica"))


def repeated(method: str) -> Iterator[Failure]:
    """Return what is said when one of two log-ins was tried twice."""
    path = "/v1/login" if method == "POST" else "/v1/token"
    tries = [Attempt(f"auth-{name}", 1.0, "id-1", 503) for name in "ab"]
    return tried_too_often(Storm(f"{method} {path} → auth", 2, tuple(tries), 1))


def abandoned(status: int) -> Iterator[Failure]:
    """Return what is said when a customer of a replica that is gone gets nothing but this status."""
    replies = [Reply("GET", "https://shop.test/", {}, status, {}, start=6.0 + number) for number in range(3)]
    return deserted(BUYERS, replies, "X-Served-By", "buyers-7", 0.0, 5.0)


def wandering() -> Iterator[Failure]:
    replies = (Reply("GET", "https://shop.test/", {}, 200, {"x-served-by": name}) for name in ("buyers-1", "buyers-2"))
    return not_staying(BUYERS, [Visits(1, tuple(replies))], "X-Served-By")


def refused(status: int) -> Iterator[Failure]:
    """Return what is said when every tenth request on a route gets this status."""
    answers = [200 if number % 10 else status for number in range(1000)]
    requests = tuple(Request(n, n, n + 0.01, status, "", "") for n, status in enumerate(answers))
    return too_many_failures(
        "GET /v1/leads → leads", Traffic("node-a", "https://gateway", False, requests), 200, Bound(0.001, 0.95)
    )


def slowed(subject: str) -> Iterator[Failure]:
    one = Request(0, 0, 0.06, 200, "", "")
    compared = Compared(subject, Traffic("node-a", "http://auth", False, (one, one)), "01", 1, 200, 1.0)
    return too_slow(compared, [Slowdown(0.5, 0.06, 0.006, 8.0, 12.0, 30)], Margin(3.0, 0.99, 50), "")


SAID = {
    "66": (repeated("POST"), repeated("GET")),
    "67": (repeated("POST"), repeated("GET")),
    "68": (abandoned(504), wandering()),
    "69": (abandoned(503), wandering()),
    "70": (refused(429), refused(503)),
    "71": (slowed("users → auth, through the mesh"), slowed("leads → users, through the mesh")),
}
"""The number of a seeded fault to what must be said of it, and to what would be another reason."""


@pytest.mark.parametrize("number", SAID)
def test_the_reason_is_found_in_what_is_said_of_the_fault_and_not_in_that_of_another(number: str) -> None:
    (mutant,) = load_mutants([number])
    right, wrong = ("\n".join(map(str, failures)) for failures in SAID[number])
    assert right
    assert wrong
    assert re.search(mutant.expectation.reason, right)
    assert not re.search(mutant.expectation.reason, wrong)
