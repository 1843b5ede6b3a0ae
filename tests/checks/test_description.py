"""Does a service answer as it describes itself?"""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.description import EXPECTED, undescribed, unfinished, untried
from seatrial.fuzz.configuration import CHECKS
from seatrial.fuzz.records import Deviation, FuzzRecord, Tried

from .traffic import told

ITEMS = "GET /items"
RECORD = FuzzRecord("shop", (ITEMS,), (Tried(ITEMS, 20, {200: 12, 422: 8}),), ())
CURL = 'curl https://shop.test/items?n=0 -H "Authorization: Bearer $TOKEN"'
TEAPOT = Deviation(
    ITEMS, "status_code_conformance", "Undocumented status code\nReceived: 418\n\nDocumented: 200", CURL, 418, "teapot"
)


def judged(*deviations: Deviation) -> str:
    return told(undescribed(replace(RECORD, deviations=deviations), "tried.csv"))


def test_answers_as_described_are_fine():
    assert told((*undescribed(RECORD), *untried(RECORD), *unfinished(RECORD))) == ""


def test_an_answer_that_is_not_described_is_told_with_the_request_that_repeats_it():
    assert judged(TEAPOT) == cleandoc(
        f"""
        shop: GET /items does not answer as described
          expected  a status that the description lists
          observed  HTTP 418: teapot
                    Undocumented status code
                    Received: 418
                    Documented: 200
                    {CURL}
          evidence  tried.csv
        """
    )


def test_a_request_without_an_answer_is_told():
    assert judged(Deviation(ITEMS, "", "Read timed out.\n(read timeout=10.0)")) == cleandoc(
        """
        shop: GET /items does not answer as described
          expected  an answer
          observed  no answer: Read timed out. (read timeout=10.0)
          evidence  tried.csv
        """
    )


def test_every_check_that_is_made_has_words_of_its_own():
    assert {*CHECKS, ""} == set(EXPECTED)
    assert len(set(EXPECTED.values())) == len(EXPECTED)


@pytest.mark.parametrize(
    ("status", "hint"), [(429, "a limit of the gateway"), (503, "no replica to ask"), (413, "of a size"), (404, "")]
)
def test_an_answer_of_the_gateway_itself_is_hinted_at(status: int, hint: str):
    text = judged(replace(TEAPOT, status=status))
    assert hint in text
    assert ("  hint  " in text) == bool(hint)


def test_what_is_long_is_cut():
    text = judged(replace(TEAPOT, told="\n".join(f"line {n}" for n in range(30)), body="x" * 5000))
    assert "line 5\n" in text
    assert "line 6\n" not in text
    assert f"HTTP 418: {'x' * 200}…\n" in text
    assert max(map(len, text.splitlines())) < 300


def test_each_deviation_is_told():
    assert judged(TEAPOT, replace(TEAPOT, operation="GET /")).count("does not answer as described") == 2


def test_a_description_of_no_use_is_told_and_nothing_else():
    record = FuzzRecord("shop", (), (), (), unusable="'paths' is\nmissing", ended="")
    assert told((*untried(record), *unfinished(record))) == cleandoc(
        """
        shop: its description cannot be used
          expected  an OpenAPI document
          observed  'paths' is missing
        """
    )


@pytest.mark.parametrize(
    ("tried", "expected", "observed"),
    [
        ((Tried(ITEMS, 3, {200: 3}), Tried("GET /", 0, {})), "an answer of each of 2 operations", "none of GET /"),
        ((), "at least one operation", "no operation is described"),
    ],
)
def test_what_was_never_answered_proves_nothing(tried: tuple[Tried, ...], expected: str, observed: str):
    assert told(untried(replace(RECORD, tried=tried))) == cleandoc(
        f"""
        shop: not every described operation was tried
          expected  {expected}
          observed  {observed}
        """
    )


def test_a_run_without_enough_time_is_a_doubt_and_no_failure():
    record = replace(RECORD, ended="", tried=(*RECORD.tried, Tried("GET /", 0, {})))
    assert told(untried(record)) == ""
    assert told(unfinished(record)) == cleandoc(
        """
        shop: not every described operation was tried to the end
          missing   the end of the generated requests in time (1 of 2 operations got answers)
          remedy    raise tolerances.fuzz_seconds, or lower tolerances.fuzz_examples
        """
    )
    assert "; it ended as 'interrupted')" in told(unfinished(replace(record, ended="interrupted")))
