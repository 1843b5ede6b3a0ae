"""Is a quota kept: nothing refused below it, and above it exactly the excess."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.quota import allowed, not_kept, wrongly_refused
from seatrial.observe.customers import Reply
from seatrial.system_gateway import Quota

from .traffic import told

QUOTA = Quota(per_second=10, burst=5)
REPLY = Reply("GET", "https://shop.test/login", {}, status=200)


def replies(statuses: str, seconds: float = 0.0) -> list[Reply]:
    """Return evenly spaced answers: ``.`` as declared, ``x`` refused, ``!`` none, ``5`` a server error."""
    kinds = {".": {}, "x": {"status": 429}, "!": {"status": 0, "error": "timed out"}, "5": {"status": 503}}
    gap = seconds / max(len(statuses) - 1, 1)
    return [replace(REPLY, start=100 + n * gap, **kinds[kind]) for n, kind in enumerate(statuses)]


@pytest.mark.parametrize(
    ("quota", "seconds", "expected"),
    [(QUOTA, 0, (4, 9)), (QUOTA, 2, (24, 29)), (QUOTA, 0.55, (9, 14)), (Quota(per_second=1, burst=0), 0, (-1, 4))],
)
def test_a_full_bucket_holds_one_the_burst_and_what_comes_back(quota: Quota, seconds: float, expected: tuple[int, int]):
    assert allowed(quota, seconds) == expected


def test_requests_within_the_quota_are_all_answered():
    assert told(wrongly_refused("/login", replies("...."), 200)) == ""
    assert told(wrongly_refused("/login", replies("555"), 503)) == ""


@pytest.mark.parametrize(
    ("statuses", "observed"),
    [
        ("5..", "1 of 3 not: 1 × HTTP 503"),
        (".!", "1 of 2 not: 1 × timed out"),
        ("", "nobody asked"),
    ],
)
def test_any_other_answer_within_the_quota_is_told(statuses: str, observed: str):
    assert told(wrongly_refused("/login", replies(statuses), 200)) == cleandoc(
        f"""
        /login: requests within the quota are not all answered
          expected  HTTP 200 for each
          observed  {observed}
        """
    )


def test_a_refusal_within_the_quota_is_told_with_its_likely_cause():
    assert told(wrongly_refused("/login", replies(".x!x"), 200)) == cleandoc(
        """
        /login: requests within the quota are not all answered
          expected  HTTP 200 for each
          observed  3 of 4 not: 2 × HTTP 429, 1 × timed out
          hint      the bucket is smaller than declared, or others draw from it
        """
    )


def judged(statuses: str, seconds: float = 0.0) -> str:
    return told(not_kept("/login", QUOTA, replies(statuses, seconds), 200))


@pytest.mark.parametrize("passed", [4, 6, 9])
def test_a_burst_that_gets_what_the_bucket_holds_keeps_the_quota(passed: int):
    assert judged("." * passed + "x" * (18 - passed)) == ""


def test_what_comes_back_while_the_burst_lasts_is_let_through():
    assert judged("......" + "x." * 10 + "x" * 10, seconds=1) == ""
    assert "6 let through" in judged("......" + "x" * 30, seconds=1)


def test_the_burst_lasts_from_its_first_to_its_last_request_whatever_their_order():
    burst = replies("......" + "x." * 10 + "x" * 10, seconds=1)
    assert told(not_kept("/login", QUOTA, [*burst[1:], burst[0]], 200)) == ""


@pytest.mark.parametrize(
    ("statuses", "observed", "hint"),
    [
        ("." * 18, "18 let through, 0 refused", "no limit on this route"),
        ("." * 10 + "x" * 8, "10 let through, 8 refused", "another rate or burst than declared"),
        ("..." + "x" * 15, "3 let through, 15 refused", "another rate or burst than declared"),
        ("x" * 18, "0 let through, 18 refused", "another rate or burst than declared"),
    ],
    ids=["no limit", "too many", "too few", "none"],
)
def test_more_or_less_than_the_bucket_holds_is_told(statuses: str, observed: str, hint: str):
    assert judged(statuses) == cleandoc(
        f"""
        /login (quota 10 a second, burst 5): it is not kept
          expected  4 to 9 of 18 requests in 0.00 s let through, 429 for the rest
          observed  {observed}
          hint      {hint}
        """
    )


def test_a_burst_that_breaks_the_service_is_told():
    assert judged("." * 6 + "5!" + "x" * 10) == cleandoc(
        """
        /login (quota 10 a second, burst 5): a burst breaks it
          expected  HTTP 200 or 429
          observed  1 × HTTP 503, 1 × timed out
        """
    )


@pytest.mark.parametrize(
    ("statuses", "seconds", "most"), [("", 0, 9), (".", 0, 9), ("." * 9, 0, 9), ("." * 18, 2, 29), ("x" * 29, 2, 29)]
)
def test_what_was_not_beyond_the_quota_proves_nothing(statuses: str, seconds: float, most: int):
    assert judged(statuses, seconds) == cleandoc(
        f"""
        /login (quota 10 a second, burst 5): nothing was asked beyond the quota
          expected  more than {most} requests in {seconds if len(statuses) > 1 else 0:.2f} s
          observed  {len(statuses)} requests
          hint      the gateway or the way to it is too slow for a burst
        """
    )
