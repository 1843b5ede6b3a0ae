"""Changes of the replicas: whether they came to an end, what they did, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import cleandoc
from itertools import pairwise

import pytest

from seatrial.checks.rollouts import lost, silent, starved, too_few, unfinished, unproven, upper_bound
from seatrial.observe.lineup import Lineup
from seatrial.observe.records import PodView, Request, Traffic
from seatrial.observe.rounds import BACK, FRESH, IN, KEPT, OUT, UPDATE, Phase, Round

from .traffic import answer, error, pod, sent_late, told

BEGAN = {UPDATE: 10.0, OUT: 30.0, IN: 40.0, BACK: 50.0}
FILES = {FRESH: "new.csv.gz", KEPT: "old.csv.gz"}
TIMEOUT = 2.0
URL = "http://leads-direct:8079/whoami"


def lineup(letters: str, template: str = "old", **changes: object) -> Lineup:
    pods = tuple(replace(pod(each), template=template) for each in letters)
    whole = Lineup(len(pods), len(pods), len(pods), True, pods)
    return replace(whole, **changes)  # type: ignore[arg-type]


GOOD = {
    "first": lineup("abc"),
    UPDATE: lineup("def", "new"),
    OUT: lineup("defg", "new"),
    IN: lineup("deg", "new"),
    BACK: lineup("hij", "old"),
}


def phases(**other: Lineup) -> tuple[Phase, ...]:
    """Return the phases of a good round, with some lineups replaced: ``out=``, ``back=`` … those after that phase."""
    names = {"first": "first", "update": UPDATE, "out": OUT, "in_": IN, "back": BACK}
    after = GOOD | {names[key]: value for key, value in other.items()}
    order = ["first", *BEGAN]
    return tuple(
        Phase(name, BEGAN[name], BEGAN[name] + 8, {"leads": after[before]}, {"leads": after[name]})
        for before, name in pairwise(order)
    )


def traffic(requests: Iterable[Request], *, fresh: bool = True) -> Traffic:
    return Traffic("node-a+node-b", URL, fresh, tuple(sorted(requests, key=lambda each: each.start)))


def steadily(until: float = 60.0) -> list[Request]:
    return [answer("leads-a", at=number / 2) for number in range(int(2 * until))]


def round_of(
    fresh: Sequence[Request] = (), kept: Sequence[Request] = (), done: tuple[Phase, ...] | None = None, number: int = 1
) -> Round:
    found: Mapping[str, Mapping[str, Traffic]] = {
        FRESH: {"leads": traffic(fresh)},
        KEPT: {"leads": traffic(kept, fresh=False)},
    }
    return Round(number, phases() if done is None else done, found)


def test_a_round_that_did_what_it_says_and_lost_nothing_is_good():
    good = round_of(steadily(), steadily())
    findings = [
        *unfinished(good, 180),
        *unproven(good, {}),
        *lost(good, {}, TIMEOUT),
        *starved(good, TIMEOUT),
        *silent(good, 1.0),
        *too_few([good], 120),
    ]
    assert findings == []


def test_each_failed_request_belongs_to_the_phase_in_which_it_ended_and_to_its_kind_of_connection():
    fresh = [*steadily(), error("refused", at=13.2), error("503", at=13.4), error("timeout", at=29.995)]
    assert told(lost(round_of(fresh, steadily()), FILES, TIMEOUT)) == cleandoc(
        f"""
        leads: requests over fresh connections fail during the rolling update
          expected  no failed request
          observed  2 of 42 failed: 1 × refused, 1 × HTTP 503
                    first: refused +3.2 s (no replica known), HTTP 503 +3.4 s (no replica known)
          window    19.5 s of round 1; {URL} from node-a+node-b, nobody tries again
          hint      a replica stops to accept before every node has forgotten its endpoint, or gets requests too soon
          evidence  new.csv.gz
        leads: requests over fresh connections fail during the scale-out
          expected  no failed request
          observed  1 of 21 failed: 1 × timeout
                    first: timeout -0.0 s (no replica known)
          window    9.5 s of round 1; {URL} from node-a+node-b, nobody tries again
          hint      a replica stops to accept before every node has forgotten its endpoint, or gets requests too soon
          evidence  new.csv.gz
        """
    )


def test_kept_connections_are_scored_apart_and_the_replica_is_told_where_it_answered():
    bad = replace(error("503", at=55.0), served_by="leads-h")
    found = told(lost(round_of(steadily(), [*steadily(), bad]), FILES, TIMEOUT))
    assert found.startswith("leads: requests over kept connections fail during the rollback\n")
    assert "first: HTTP 503 +5.0 s (leads-h)" in found
    assert "closes connections, or ends, without telling those who use them" in found
    assert found.endswith("evidence  old.csv.gz")


def test_only_the_first_failures_are_told_one_by_one():
    found = told(lost(round_of([error("reset", at=11 + number) for number in range(8)]), {}, TIMEOUT))
    assert "8 of 8 failed: 8 × reset" in found
    assert found.count("(no replica known)") == 5


def test_what_fails_before_any_change_is_told_as_such():
    found = told(lost(round_of([*steadily(), error("refused", at=4.0)]), {}, TIMEOUT))
    assert found.startswith("leads: requests over fresh connections fail before any change\n")
    assert "first: refused +4.0 s" in found


def test_requests_of_a_round_without_any_change_are_scored_too():
    assert "before any change" in told(lost(round_of([error("refused", at=70.0)], done=()), {}, TIMEOUT))


def test_what_fails_where_requests_could_not_be_sent_in_time_is_held_against_the_machine():
    requests = sent_late([*steadily(), error("timeout", at=13.2)], 0.36)
    starving = round_of(requests, steadily())
    assert list(lost(starving, FILES, TIMEOUT)) == []
    assert told(starved(starving, TIMEOUT)) == cleandoc(
        """
        leads, fresh connections, round 1: 1 of 121 requests fail: 1 × timeout
          missing   requests that are sent in time: 99 of 100 within 200.0 ms after they are due
                    99 of 100 within 360.0 ms, 121 requests from node-a+node-b
          remedy    give the machine to the trial alone, or declare a lower rate
        """
    )


def test_what_fails_beside_it_and_was_sent_in_time_is_a_failure_all_the_same():
    bad = error("refused", at=13.2)
    starving = round_of(sent_late([*steadily(), bad], 0.36), [*steadily(), bad])
    assert told(lost(starving, FILES, TIMEOUT)).startswith("leads: requests over kept connections fail")
    assert [each.subject.split(",")[1] for each in starved(starving, TIMEOUT)] == [" fresh connections"]


@pytest.mark.parametrize(("seconds", "bad"), [(0.19, [error("timeout", at=13.2)]), (0.36, [])])
def test_neither_a_small_lag_nor_one_that_cost_nothing_is_a_doubt(seconds: float, bad: list[Request]):
    round = round_of(sent_late([*steadily(), *bad], seconds), steadily())
    assert list(starved(round, TIMEOUT)) == []
    assert len(list(lost(round, FILES, TIMEOUT))) == len(bad)


def state(letter: str, **changes: object) -> PodView:
    return replace(pod(letter), template="new", **changes)  # type: ignore[arg-type]


def test_a_change_that_does_not_come_to_its_end_is_told_with_the_pods_that_hold_it_up():
    stuck = state("d", ready=False, restarts=4, ended="Error")
    after = lineup("abc", updated=1, pods=(*GOOD["first"].pods, stuck))
    assert told(unfinished(round_of(done=phases(update=after)[:1]), 180)) == cleandoc(
        """
        leads: the rolling update does not come to its end
          expected  all replicas as wanted, ready, and no others, within 180 s
          observed  1 of 3 replicas are of the new version, 3 available
                    leads-d on node-d is not ready, 4 restarts (Error)
          window    round 1, 8.0 s
          hint      new replicas are ended before they are ready: no startup probe, or one that gives up, or they crash
        """
    )


@pytest.mark.parametrize(
    ("pods", "observed", "hint"),
    [
        ([state("d", ready=False, node="")], "3 available", "there is no room on any node for another replica"),
        ([state("d", ready=False)], "3 available", "new replicas never say that they are ready"),
        ([state("d", terminating=True)], "1 still leaving", "new replicas never say that they are ready"),
        ([], "the controller has not seen the change", "the controller does not go on"),
    ],
    ids=["no room", "never ready", "does not leave", "not seen"],
)
def test_why_a_change_does_not_come_to_its_end(pods: list[PodView], observed: str, hint: str):
    after = lineup("abc", observed=bool(pods), pods=(*GOOD["first"].pods, *pods))
    found = told(unfinished(round_of(done=phases(update=after)[:1]), 180))
    assert observed in found
    assert f"  hint      {hint}" in found


@pytest.mark.parametrize(
    ("after", "missing", "detail"),
    [
        ({"update": lineup("ade", "new")}, "the replacement of every replica", "1 of 3 pods stayed"),
        ({"update": lineup("")}, "the replacement of every replica", "0 of 3 pods stayed"),
        ({"update": lineup("def", "old")}, "a new template", "old before and after"),
        (
            {"out": lineup("def", "new"), "in_": lineup("de", "new")},
            "one replica more, and the others as they were",
            "3 pods before, 3 after, 3 of them the same",
        ),
        (
            {"out": lineup("defg", "new"), "in_": lineup("dex", "new")},
            "one replica fewer, and the others as they were",
            "4 pods before, 3 after, 2 of them the same",
        ),
        ({"back": lineup("hij", "new")}, "the return to the former template", "old at first, new now"),
        ({"back": lineup("hig", "old")}, "the replacement of every replica", "1 of 3 pods stayed"),
    ],
    ids=["one stayed", "nobody left", "same template", "not more", "another one", "another template", "not back"],
)
def test_a_change_that_did_not_happen_is_a_doubt(after: dict[str, Lineup], missing: str, detail: str):
    found = told(unproven(round_of(done=phases(**after)), {}))
    assert f"  missing   {missing}\n            {detail}\n" in found


def test_a_slow_boot_that_was_quick_is_a_doubt():
    slow = replace(state("e"), created=20.0, ready_since=31.0)
    quick = replace(state("d"), created=20.0, ready_since=23.0)
    after = lineup("de", "new", wanted=2, pods=(quick, slow))
    assert told(unproven(round_of(done=phases(update=after)[:1]), {"leads": 7.0})) == cleandoc(
        """
        leads: the rolling update of round 1
          missing   a slow boot: of 7 s at least, as long as liveness waits
                    leads-d was ready after 3 s
          remedy    declare a longer one in slow_boot
        """
    )


def test_a_service_that_was_not_asked_for_a_while_is_a_doubt():
    holed = [each for each in steadily() if not 20 < each.start < 23]
    assert told(silent(round_of(steadily(), holed), 1.0)) == cleandoc(
        """
        leads, kept connections, round 1
          missing   requests all the time: never none for more than 1 s
                    none for 3.0 s, from +10.0 s on; 92 requests in all
          remedy    give the machine to the trial alone, or declare a lower rate
        """
    )


@pytest.mark.parametrize("requests", [[], steadily(9.0), steadily(40.0)], ids=["none", "before", "ended early"])
def test_requests_that_do_not_last_are_a_doubt(requests: list[Request]):
    assert "leads, fresh connections" in told(silent(round_of(requests, steadily()), 1.0))


def test_too_few_requests_of_either_kind_are_a_doubt():
    rounds = [round_of(steadily(), steadily(30.0)), round_of(steadily(), steadily(), number=2)]
    assert told(too_few(rounds, 200)) == cleandoc(
        """
        all services, kept connections
          missing   enough requests: 200
                    180 sent
          remedy    see why the agents sent fewer
        """
    )


def test_the_upper_bound_is_that_of_all_rounds_together():
    count, failed, most = upper_bound([round_of(steadily(1500)), round_of(steadily(1500))], FRESH, 0.95)
    assert (count, failed) == (6000, 0)
    assert most == pytest.approx(-math.log(0.05) / 6000, rel=0.001)
    assert upper_bound([round_of([error("reset")])], FRESH, 0.95) == (1, 1, 1.0)
    assert upper_bound([], KEPT, 0.95) == (0, 0, 1.0)
