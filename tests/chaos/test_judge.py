"""A green exit code proves nothing: what each journal is worth, in the words that a person reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seatrial.chaos.journal import Activity, Journal
from seatrial.chaos.judge import Judgement, check_experiment, judge
from seatrial.errors import Failed, Inconclusive, Verdict


def action(name: str = "crash-replicas", **changes: Any) -> Activity:
    whole = Activity(name, "action", "succeeded", output=[{"pod": "auth-1"}], reason="", start=100.0)
    return replace(whole, **changes)


def effect(**changes: Any) -> Activity:
    whole = Activity("effect-restarted", "probe", "succeeded", output=True, reason="", start=101.0, tolerance_met=True)
    return replace(whole, **changes)


GOOD = Journal(
    title="A crash is survived",
    status="completed",
    deviated=False,
    before=True,
    during=(),
    after=True,
    activities=(action(), effect()),
    rollbacks=(action("heal-system", output=True),),
)


def doubt(**changes: Any) -> str:
    with pytest.raises(Inconclusive) as caught:
        check_experiment(replace(GOOD, **changes))
    return str(caught.value)


def failure(**changes: Any) -> str:
    with pytest.raises(Failed) as caught:
        check_experiment(replace(GOOD, **changes), evidence="crash.json")
    return str(caught.value)


def test_an_experiment_that_did_what_it_says_and_was_survived_passes() -> None:
    check_experiment(GOOD)
    check_experiment(replace(GOOD, during=(True, True)))


@pytest.mark.parametrize("before", [False, None])
def test_without_a_steady_state_before_nothing_is_known(before: bool | None) -> None:
    assert doubt(before=before, after=None, activities=()) == (
        "experiment 'A crash is survived'\n"
        "  missing   a steady state before the fault\n"
        "  remedy    heal the system, then run it again"
    )


@pytest.mark.parametrize("status", ["interrupted", "aborted", "failed"])
def test_an_experiment_that_did_not_run_to_its_end_tells_how_far_it_came(status: str) -> None:
    activities = (action("guard-cluster", output=True), action(status="aborted", reason="KeyboardInterrupt"))
    assert doubt(status=status, activities=activities).startswith(
        "experiment 'A crash is survived'\n"
        f"  missing   an end: it was {status}\n"
        "            action guard-cluster: succeeded\n"
        "            action crash-replicas: aborted (KeyboardInterrupt)\n"
        "  remedy    see its log"
    )


def test_a_method_without_an_action_did_no_harm() -> None:
    probe = action("look", type="probe")
    assert doubt(activities=(probe,)) == (
        "experiment 'A crash is survived'\n  missing   a fault: no action was run\n  remedy    see its log"
    )


def test_an_action_that_raised_in_a_completed_experiment_is_no_fault() -> None:
    broken = action(status="failed", output=None, reason="GuardRefusal: not ours")
    assert doubt(activities=(broken, effect())) == (
        "experiment 'A crash is survived'\n  missing   its action 'crash-replicas': failed: GuardRefusal: not ours"
    )


def test_a_failure_without_a_reason_says_so() -> None:
    assert doubt(activities=(action(status="failed"), effect())).endswith("'crash-replicas': failed: no reason given")


@pytest.mark.parametrize("output", [None, [], {}, False])
def test_an_action_that_hit_nothing_is_no_fault(output: object) -> None:
    assert doubt(activities=(action(output=output), effect())) == (
        "experiment 'A crash is survived'\n"
        "  missing   a target: its action 'crash-replicas' hit nothing\n"
        "  remedy    see which replicas it names"
    )


def test_one_idle_action_among_others_is_enough_for_doubt() -> None:
    assert "'second' hit nothing" in doubt(activities=(action("first"), action("second", output=[])))


def test_doubt_comes_before_judgement() -> None:
    assert "hit nothing" in doubt(activities=(action(output=[]),), after=False, deviated=True)


def test_a_system_that_does_not_come_back_fails_with_all_that_was_done() -> None:
    assert failure(after=False, deviated=True) == (
        "experiment 'A crash is survived': the system does not come back to its steady state\n"
        "  expected  steady state met\n"
        "  observed  not met after the fault\n"
        "            action crash-replicas: succeeded\n"
        "            probe effect-restarted: succeeded\n"
        "            action heal-system: succeeded\n"
        "  evidence  crash.json"
    )


def test_a_steady_state_that_was_not_asked_afterwards_is_not_met() -> None:
    assert "  observed  not asked\n" in failure(after=None)


def test_a_deviation_is_a_failure_whatever_the_state_afterwards() -> None:
    assert "  observed  not met after the fault\n" in failure(deviated=True)


def test_a_steady_state_lost_meanwhile_is_counted() -> None:
    assert failure(during=(True, False, True, False)) == (
        "experiment 'A crash is survived': the steady state is lost meanwhile\n"
        "  expected  met each of 4 times\n"
        "  observed  2 times not met\n"
        "            action crash-replicas: succeeded\n"
        "            probe effect-restarted: succeeded\n"
        "            action heal-system: succeeded\n"
        "  evidence  crash.json"
    )


def test_a_criterion_may_allow_a_deviation_meanwhile_but_not_afterwards() -> None:
    lost = replace(GOOD, during=(False,))
    check_experiment(lost, allow_deviation_during=True)
    with pytest.raises(Failed, match="does not come back"):
        check_experiment(replace(lost, after=False), allow_deviation_during=True)


def test_a_rollback_that_did_not_work_is_a_failure() -> None:
    broken = action("heal-system", status="failed", output=None, reason="EnvironmentFault: no answer")
    assert failure(rollbacks=(broken,)) == (
        "experiment 'A crash is survived': its rollback 'heal-system' did not work\n"
        "  expected  succeeded\n"
        "  observed  failed: EnvironmentFault: no answer\n"
        "  evidence  crash.json"
    )


def test_all_failures_are_told_together() -> None:
    told = failure(after=False, during=(False,), rollbacks=(action("heal-system", status="failed"),))
    assert [line for line in told.splitlines() if not line.startswith(" ")] == [
        "experiment 'A crash is survived': the system does not come back to its steady state",
        "experiment 'A crash is survived': the steady state is lost meanwhile",
        "experiment 'A crash is survived': its rollback 'heal-system' did not work",
    ]


def test_without_a_probe_of_the_effect_nobody_knows_whether_the_fault_happened() -> None:
    assert doubt(activities=(action(),)) == (
        "experiment 'A crash is survived'\n"
        "  missing   its effect: no probe looked whether the fault happened\n"
        "  remedy    add one named effect-…"
    )


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"output": False, "tolerance_met": False}, "its effect: 'effect-restarted' saw False"),
        ({"tolerance_met": None}, "its effect: 'effect-restarted' was compared with nothing"),
        ({"status": "failed", "reason": "no answer"}, "its effect: 'effect-restarted' failed: no answer"),
        ({"status": "aborted"}, "its effect: 'effect-restarted' aborted: no reason given"),
    ],
)
def test_an_effect_that_was_not_seen_is_doubt(changes: dict[str, Any], missing: str) -> None:
    assert f"  missing   {missing}\n" in f"{doubt(activities=(action(), effect(**changes)))}\n"


def test_a_run_passes_when_all_is_met_or_explicitly_allowed() -> None:
    watched = replace(GOOD, during=(True, True))
    assert judge(watched, deviation_during=False) == Judgement(Verdict.PASSED)
    assert judge(replace(GOOD, during=(False,)), deviation_during=True).verdict is Verdict.PASSED


def test_a_state_that_must_hold_meanwhile_and_was_not_looked_at_is_doubt() -> None:
    judged = judge(GOOD, deviation_during=False)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "missing   a look at the steady state while the fault was on" in judged.reasons[0]
    assert judge(replace(GOOD, during=(True, False)), deviation_during=False).verdict is Verdict.FAILED


def test_a_system_that_is_left_broken_is_failed_whatever_else_is_in_doubt() -> None:
    judged = judge(
        replace(GOOD, activities=(action(),)), deviation_during=True, unhealed=["leads has 2 of 3"], evidence="there"
    )
    assert judged.verdict is Verdict.FAILED
    assert judged.reasons[0] == (
        "experiment 'A crash is survived': the system is not whole after it was healed\n"
        "  expected  steady state met\n"
        "  observed  leads has 2 of 3\n"
        "  hint      run 'seatrial chaos heal'\n"
        "  evidence  there"
    )
    assert "no probe looked whether the fault happened" in judged.reasons[1]


def test_a_rollback_that_did_not_work_is_failed_even_in_doubt_and_told_once() -> None:
    broken = action("heal-system", status="failed", output=None, reason="no answer")
    for activities in ((action(),), (action(), effect())):
        judged = judge(replace(GOOD, activities=activities, rollbacks=(broken,)), deviation_during=True)
        assert judged.verdict is Verdict.FAILED
        assert len([each for each in judged.reasons if "rollback 'heal-system' did not work" in each]) == 1


def test_a_rollback_that_failed_after_nothing_was_done_is_no_verdict_on_the_system() -> None:
    broken = action("heal-system", status="failed", output=None)
    idle = replace(GOOD, before=False, after=None, activities=(), rollbacks=(broken,))
    assert judge(idle, deviation_during=False).verdict is Verdict.INCONCLUSIVE
