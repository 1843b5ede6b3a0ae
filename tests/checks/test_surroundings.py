"""What is said of services that go on, or do not, while something around them fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from seatrial.checks import surroundings as check
from seatrial.errors import Doubt, Failure
from seatrial.observe.disturbance import Disturbance
from seatrial.observe.names import Asked
from seatrial.observe.records import Request, Traffic

BEGAN, ENDED = 1000.0, 1020.0
SHOWN = {"effect-new-version-is-stuck": True}


def request(at: float, by: str = "leads-a", *, took: float = 0.01, error: str = "", status: int = 200) -> Request:
    """A request some seconds from the fault."""
    start = BEGAN + at
    return Request(start, start, start + took, 0 if error else status, "" if error else by, error)


def steady(*, took: float = 0.01, meanwhile: float | None = None) -> list[Request]:
    """One request a second, from 5 s before the fault to 5 s after the end of it."""
    slow = took if meanwhile is None else meanwhile
    return [request(float(at), took=slow if 0 <= at <= ENDED - BEGAN else took) for at in range(-5, 26)]


def disturbance(requests: Iterable[Request] = (), effects: dict[str, bool] | None = None) -> Disturbance:
    traffic = {"leads": Traffic("worker+worker2", "http://leads", True, tuple(requests))}
    seen = SHOWN if effects is None else effects
    return Disturbance("bad-rollout", "leads", BEGAN, ENDED, seen, traffic, {"leads": frozenset({"leads-a"})})


def told(found: Iterable[Failure | Doubt]) -> str:
    return "\n".join(map(str, found))


def test_steady_requests_without_a_failure_are_good():
    seen = disturbance(steady())
    assert told(check.unproven(seen)) == told(check.failed(seen, "leads")) == ""
    assert told(check.answered_by_newcomers(seen, "leads")) == told(check.slowed(seen, "leads", 0.3)) == ""


@pytest.mark.parametrize(
    ("effects", "missing"),
    [
        ({"effect-loss": True, "effect-slow": False}, "its effect: the probe 'effect-slow' saw none"),
        ({}, "a probe of its effect"),
    ],
)
def test_a_disturbance_without_an_effect_tells_nothing(effects: dict[str, bool], missing: str):
    assert f"bad-rollout (leads)\n  missing   {missing}" in told(check.unproven(disturbance(steady(), effects)))


def test_a_disturbance_that_nobody_met_tells_nothing():
    seen = disturbance([each for each in steady() if each.start < BEGAN])
    assert told(check.unproven(seen)) == (
        "bad-rollout (leads)\n  missing   requests to leads meanwhile\n  remedy    see why the flow of requests ended"
    )


def test_requests_that_fail_are_told_with_when_and_how():
    seen = disturbance([*steady(), request(3.0, error="timeout"), request(7.5, status=503)])
    assert told(check.failed(seen, "leads", "requests.csv")) == (
        "leads: requests fail after bad-rollout (leads)\n"
        "  expected  no failed request\n"
        "  observed  2 of 28 failed: 1 × timeout, 1 × HTTP 503\n"
        "            from 3.0 s to 7.5 s after the fault\n"
        "  window    28 requests in 7.5 s after the fault, fresh connections from worker+worker2\n"
        "  evidence  requests.csv"
    )


def test_a_request_that_was_under_way_counts_and_one_that_was_over_does_not():
    assert told(check.failed(disturbance([request(-2.0, error="refused")]), "leads")) == ""
    assert "1 of 1 failed" in told(check.failed(disturbance([request(-0.5, took=1.0, error="reset")]), "leads"))


def test_an_answer_of_the_bad_version_is_told():
    seen = disturbance([*steady(), request(2.0, "leads-bad"), request(3.0, "leads-bad"), request(4.0, "")])
    assert told(check.answered_by_newcomers(seen, "leads")) == (
        "leads: a version that is never ready gets requests\n"
        "  expected  answers of the former replicas only\n"
        "  observed  2 of leads-bad, 1 of nobody by name\n"
        "  window    29 requests in 4.0 s after the fault, fresh connections from worker+worker2\n"
        "  hint      its Service publishes addresses that are not ready, or a proxy balances over pods by itself"
    )


def test_requests_from_elsewhere_that_are_delayed_are_told():
    seen = disturbance(steady(took=0.01, meanwhile=0.2))
    assert told(check.slowed(seen, "leads", 0.3)) == (
        "leads: what delays one call delays others, too, in bad-rollout (leads)\n"
        "  expected  less than 160 ms: half of the delay more than before\n"
        "  observed  median 200 ms, 10 ms before\n"
        "  window    26 requests in 25.0 s after the fault, fresh connections from worker+worker2\n"
        "  hint      callers that wait for the slow call keep what others need: connections, threads, the event loop"
    )


def test_a_little_slower_is_no_delay():
    assert told(check.slowed(disturbance(steady(took=0.01, meanwhile=0.1)), "leads", 0.3)) == ""


def asked(at: float, *, rcode: str = "NOERROR", took: float = 0.01, node: str = "worker") -> Asked:
    return Asked(BEGAN + at, node, "leads.shop.", rcode, rcode == "NOERROR", took)


def judged(questions: Sequence[Asked], grace: float = 0.0) -> str:
    return told(check.unanswered(questions, disturbance(), 6.0, grace))


def test_names_that_are_answered_in_time_are_good():
    assert judged([asked(-1.0), asked(0.5), asked(3.0, took=5.1), asked(25.0)]) == ""


def test_names_that_are_not_answered_are_told_node_by_node():
    lost = [asked(-1.0, rcode="TIMEOUT", took=8.0), asked(2.0, took=7.0), asked(4.0, rcode="NXDOMAIN")]
    assert judged([*lost, asked(5.0), asked(9.0, node="worker2")]) == (
        "names are not answered on worker after bad-rollout (leads)\n"
        "  expected  each within 6 s\n"
        "  observed  3 of 4 are not: 1 × TIMEOUT, 1 × late answer, 1 × NXDOMAIN; the slowest 8.0 s\n"
        "            the last was leads.shop. 4.0 s after the fault\n"
        "  hint      no server is ready, or the node's proxy still leads to one that is gone"
    )


def test_what_was_answered_badly_before_is_not_of_this_fault():
    assert judged([asked(-20.0, rcode="SERVFAIL"), asked(1.0)]) == ""


def test_without_any_server_names_may_go_unanswered_for_the_bound_and_no_longer():
    early, late = asked(10.0, rcode="TIMEOUT", took=8.0), asked(31.0, rcode="UNREACHABLE")
    assert judged([early, asked(30.5)], 30.0) == ""
    assert "expected  each within 6 s, from 30 s after the fault on" in judged([early, late], 30.0)
    assert "1 of 1 are not: 1 × UNREACHABLE" in judged([early, late], 30.0)


def test_names_that_nobody_asked_for_tell_nothing():
    assert told(check.unasked([asked(-1.0)], disturbance())) == (
        "bad-rollout (leads)\n"
        "  missing   questions for names 0 s after the fault and later\n"
        "  remedy    see why nobody asked any more"
    )
    assert told(check.unasked([asked(1.0)], disturbance(), 30.0)) != ""
    assert told(check.unasked([asked(31.0)], disturbance(), 30.0)) == ""


def test_the_timeline_shows_the_fault_its_end_and_the_errors_between():
    seen = disturbance([*steady(), request(3.0, error="timeout"), request(7.5, status=503)])
    moments = [(moment.what, moment.at - BEGAN) for moment in seen.timeline("leads").moments]
    assert moments == [("fault", 0.0), ("first_error", 3.0), ("last_error", 7.5), ("undone", 20.0)]
    assert [each.what for each in disturbance(steady()).timeline("leads").moments] == ["fault", "undone"]
