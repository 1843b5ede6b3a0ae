"""The whole history: every verdict counts, and no error and no restart is without an experiment that may cause it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import WHOLE, history, request, run
from stakes import pod

from seatrial.chaos.history import Look, judge_history, phases_of_runs, unexcused, unexplained, unproven
from seatrial.chaos.ledger import Done
from seatrial.errors import Failure, Verdict
from seatrial.load.records import LoadRecord


def told(*arguments: object, **more: object) -> list[str]:
    return [str(each) for each in unexcused(history(*arguments, **more))]  # type: ignore[arg-type]


def test_no_time_is_left_out_of_the_phases() -> None:
    seen = history(run(1, 90.0), run(2, 110.0))
    assert [(each.name, each.start, each.end, each.is_fault) for each in seen.phases] == [
        ("before", 90.0, 95.0, False),
        ("1 pod-kill: kill-pods", 95.0, 102.0, True),
        ("1 pod-kill: heal-system", 102.0, 110.0, True),
        ("after 1 pod-kill", 110.0, 115.0, False),
        ("2 pod-kill: kill-pods", 115.0, 122.0, True),
        ("2 pod-kill: heal-system", 122.0, 130.0, True),
        ("after 2 pod-kill", 130.0, 130.1, False),
    ]
    assert phases_of_runs(seen.runs, LoadRecord(())) == ()


@pytest.mark.parametrize("at", [105.0, 111.9, 112.0, 119.9])
def test_errors_from_the_first_harm_until_the_heal_belong_to_an_experiment_that_allows_them(at: float) -> None:
    lost = (request(at, "refused"),)
    assert told(run(errors=True), lost=lost) == []
    assert len(told(run(), lost=lost)) == 1


def test_a_request_that_was_under_way_when_harm_began_belongs_to_it() -> None:
    assert told(run(errors=True), lost=(request(104.9, "reset", seconds=0.3),)) == []
    second = (run(1, 70.0, errors=True), run(2, 100.0, errors=True))
    assert told(*second, lost=(request(104.9, "reset", seconds=0.3),)) == []


@pytest.mark.parametrize(
    ("at", "phase"), [(99.0, "before"), (104.2, "before"), (120.5, "after 1 pod-kill"), (130.0, "after 1 pod-kill")]
)
def test_errors_outside_of_any_fault_fail_whatever_is_allowed(at: float, phase: str) -> None:
    (failure,) = told(run(errors=True), lost=(request(at, "refused"),))
    assert failure.startswith(
        f"customers saw errors outside of any fault ('{phase}')\n  expected  none: no fault was on"
    )


def test_errors_that_an_experiment_may_not_cause_are_told_with_their_phase() -> None:
    lost = (request(106.0, "refused"), request(106.5, "refused"), request(107.0, "reset"))
    assert told(lost=lost) == [
        "customers saw errors in phase '1 pod-kill: kill-pods'\n"
        "  expected  none: its file does not say errors_during\n"
        "  observed  3 of 10 requests failed: 2 × look: refused, 1 × look: reset\n"
        "  window    7.0 s; the first began +1.0 s from its beginning\n"
        "  evidence  load/load.csv.gz"
    ]


def test_an_experiment_that_left_no_timeline_excuses_nothing() -> None:
    blind = replace(run(errors=True), activities=())
    assert "outside of any fault ('before')" in told(blind, lost=(request(106.0, "refused"),))[0]


def restarts(after: Look, *runs: object) -> list[str]:
    return [str(each) for each in unexplained(history(*runs, looks=(Look(WHOLE), after)))]  # type: ignore[arg-type]


def test_a_restart_of_a_replica_in_the_ledger_is_explained() -> None:
    assert restarts(Look((pod("auth-1", restarts=1), pod("auth-2")), meanwhile=1)) == []


def test_a_restart_on_a_node_in_the_ledger_is_explained() -> None:
    drained = replace(run(), harmed=Done(nodes=frozenset({"worker2"})))
    assert restarts(Look((pod("auth-2", restarts=1, node="worker2"),), meanwhile=1), drained) == []


def test_a_restart_that_no_experiment_caused_is_told() -> None:
    ended = replace(pod("auth-2", restarts=2), ended="OOMKilled")
    assert restarts(Look((ended,), meanwhile=1)) == [
        "replica auth-2 (on worker) was restarted by nobody\n"
        "  expected  no restart but of replicas in the ledger of an experiment\n"
        "  observed  2 restarts during 1 pod-kill, which did not harm it; it ended as OOMKilled\n"
        "  hint      its liveness probe, or its memory limit"
    ]


def test_a_harmed_replica_that_restarts_after_its_experiment_and_a_new_one_are_told_too() -> None:
    (late,) = restarts(Look((pod("auth-1", restarts=1), pod("auth-2"))))
    assert "observed  1 restart while no experiment was run" in late
    (new,) = restarts(Look((*WHOLE, pod("auth-3", restarts=1)), meanwhile=1))
    assert new.startswith("replica auth-3 ")


def test_all_that_passed_and_is_explained_passes() -> None:
    assert judge_history(history(), "storm") == judge_history(history(), "other")
    assert judge_history(history(), "storm").verdict is Verdict.PASSED


def test_one_failed_experiment_fails_the_whole_with_its_reasons() -> None:
    failed = run(2, 110.0, verdict=Verdict.FAILED, reasons=("auth is not whole\n  observed  2 of 3",))
    judged = judge_history(history(run(1, 90.0), failed), "storm")
    assert judged.verdict is Verdict.FAILED
    assert judged.reasons == ("2 pod-kill: failed\n  auth is not whole\n    observed  2 of 3",)


def test_what_is_left_behind_fails_although_every_experiment_passed() -> None:
    left = Failure("a fault is left behind", "nothing left to undo", "still to do: uncordon worker")
    judged = judge_history(history(left=(left,)), "storm")
    assert (judged.verdict, judged.reasons) == (Verdict.FAILED, (str(left),))


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT])
def test_an_experiment_that_proves_nothing_makes_the_whole_inconclusive(verdict: Verdict) -> None:
    judged = judge_history(history(run(verdict=verdict, reasons=("no token",))), "storm")
    assert (judged.verdict, judged.reasons) == (Verdict.INCONCLUSIVE, (f"1 pod-kill: {verdict}\n  no token",))


def test_whatever_leaves_doubt_is_told() -> None:
    doubtful = history(record=LoadRecord((request(90.0),)), interrupted=True, troubles=("the load ended by itself",))
    assert [str(each) for each in unproven(doubtful, "storm of seed 7")] == [
        "storm of seed 7\n  missing   its end: a person interrupted it",
        "storm of seed 7\n  missing   its end: the load ended by itself",
        "storm of seed 7\n  missing   customers: none made a request during 1 pod-kill\n"
        "  remedy    see load/work/load.log",
    ]
    assert judge_history(doubtful, "storm").verdict is Verdict.INCONCLUSIVE
    nothing = replace(doubtful, runs=(), interrupted=False, troubles=())
    assert [str(each) for each in unproven(nothing, "storm")] == ["storm\n  missing   an experiment: none was run"]
