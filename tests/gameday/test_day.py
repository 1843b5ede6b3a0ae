"""A game day to its history: through its plan, or ended early by a person, a stop condition, or trouble."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from histories import WHOLE, Customers
from rich.console import Console

from seatrial.chaos import series
from seatrial.chaos.interruption import interruptible_once
from seatrial.chaos.outcome import Outcome
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, GuardRefusal, Verdict
from seatrial.gameday import day as days
from seatrial.gameday.day import Day, Fate, Held, hold, judge_day
from seatrial.gameday.desk import Cause, Desk, Telling
from seatrial.gameday.orders import Order, Word
from seatrial.gameday.plan import DayPlan, Entry, Stop, Traffic
from seatrial.progress import Phases
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
CLUSTER = Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), "kind-seatrial")
PLAN = DayPlan(
    title="First",
    lead="Grace",
    approver="Ada",
    hypothesis="nobody notices",
    experiments=tuple(Entry(name=each, expect="nothing", pause_seconds=0.6) for each in ("pod-kill", "node-drain")),
    load=Traffic(users=2, warm_up_seconds=0.1),
    stop=Stop(error_ratio=0.2, lost_seconds=120, minutes=60),
)


class Shop:
    """A day's surroundings; ``at`` says which orders come when something happens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.customers = Customers()
        self.desk = Desk("Grace", lambda _: None)
        self.at: dict[str, Callable[[], None]] = {}
        self.refusal: Exception | None = None
        monkeypatch.setattr(series, "conduct", self._conduct)
        monkeypatch.setattr(series, "observe_pods", lambda *_: WHOLE)
        monkeypatch.setattr(series, "prove_steady", lambda *_: self.customers.events.append("look"))
        monkeypatch.setattr(days, "make_plan", self._plan)
        waits = self.customers.wait

        def wait(seconds: float) -> None:
            self.at.pop(f"wait {seconds:g}", lambda: None)()
            waits(seconds)

        monkeypatch.setattr(self.customers, "wait", wait)

    def order(self, word: Word) -> Callable[[], None]:
        """Give an order as the thread that listens does."""

        def give() -> None:
            thread = threading.Thread(target=self.desk.obey, args=(Order(word),))
            thread.start()
            thread.join()

        return give

    def _plan(self, experiment: Any, *_: Any) -> Any:
        if self.refusal:
            raise self.refusal
        targets = SimpleNamespace(places=("auth 1/2",))
        return SimpleNamespace(experiment=experiment, targets=targets)

    def _conduct(self, plan: Any, folder: Path, phases: Phases) -> Outcome:
        name = plan.experiment.name
        self.customers.events.append(name)
        verdict, reasons = Verdict.PASSED, ()
        with interruptible_once(phases.say) as interruption:
            try:
                self.at.pop(name, lambda: None)()
            except KeyboardInterrupt:
                verdict, reasons = Verdict.INCONCLUSIVE, ("a person interrupted it",)
            interruption.held = True
            self.at.pop(f"heal {name}", lambda: None)()
        return Outcome(name, ("AC03",), 7, ("auth-1",), verdict, reasons, 1.0, 2.0, interruption.asked, str(folder))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


@pytest.fixture
def held(shop: Shop, tmp_path: Path) -> Callable[[], Held]:
    @contextmanager
    def lookout() -> Iterator[None]:
        shop.customers.events.append("watch")
        yield
        shop.customers.events.append("unwatched")

    day = Day(PLAN, CLUSTER, SYSTEM, Path("system.yaml"), tmp_path)
    phases = Phases(Console(file=Telling(shop.desk), highlight=False, soft_wrap=True))
    return lambda: hold(day, shop.customers, lookout(), shop.desk, phases)


def fates(held: Held) -> list[Fate]:
    return [each.fate for each in held.steps]


def test_a_day_goes_through_its_plan_under_load_that_is_watched(shop: Shop, held: Callable[[], Held]) -> None:
    over = held()
    assert shop.customers.events == [
        *("begin", "watch", "wait 0.1", "pod-kill", "wait 0.5", "wait 0.1", "node-drain"),
        *("wait 0.5", "wait 0.1", "stop", "unwatched", "gone", "look"),
    ]
    assert fates(over) == [Fate.RUN, Fate.RUN]
    assert (over.history.troubles, shop.desk.cause, shop.desk.following) == ((), Cause.NOTHING, "the end")
    assert "1 pod-kill: expected: nothing" in [each.text for each in shop.desk.lines]


def test_while_an_experiment_runs_it_is_not_told_as_the_next_one(shop: Shop, held: Callable[[], Held]) -> None:
    told: list[tuple[str, str]] = []
    for name in ("pod-kill", "node-drain"):
        shop.at[name] = lambda: told.append((shop.desk.current, shop.desk.following))
    held()
    assert told == [("1 pod-kill", "2 node-drain"), ("2 node-drain", "the end")]


def test_skip_cuts_what_runs_short_and_goes_on(shop: Shop, held: Callable[[], Held]) -> None:
    shop.at["pod-kill"] = shop.order(Word.SKIP)
    over = held()
    assert fates(over) == [Fate.CUT, Fate.RUN]
    judged = judge_day(over, shop.desk, "the day")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reasons[0] == "the day\n  missing   1 pod-kill: cut short"
    assert "1 pod-kill: inconclusive\n  a person interrupted it" in judged.reasons


def test_skip_while_it_heals_is_too_late_and_not_meant_for_the_next(shop: Shop, held: Callable[[], Held]) -> None:
    shop.at["heal pod-kill"] = shop.order(Word.SKIP)
    assert fates(held()) == [Fate.RUN, Fate.RUN]


def test_skip_between_two_leaves_the_next_one_out(shop: Shop, held: Callable[[], Held]) -> None:
    shop.at["wait 0.5"] = shop.order(Word.SKIP)
    over = held()
    assert fates(over) == [Fate.RUN, Fate.SKIPPED]
    assert judge_day(over, shop.desk, "the day").reasons[0] == "the day\n  missing   2 node-drain: skipped"


def test_pause_holds_the_next_one_until_continue(shop: Shop, held: Callable[[], Held]) -> None:
    def pause() -> None:
        shop.order(Word.PAUSE)()
        shop.at["wait 0.5"] = go_on

    def go_on() -> None:
        shop.at["wait 0.5"] = shop.order(Word.CONTINUE)

    shop.at["wait 0.1"] = pause
    assert fates(held()) == [Fate.RUN, Fate.RUN]
    assert shop.customers.events[2:6] == ["wait 0.1", "wait 0.5", "wait 0.5", "pod-kill"]


@pytest.mark.parametrize(("when", "fate"), [("pod-kill", Fate.CUT), ("wait 0.1", Fate.LEFT)])
def test_abort_ends_the_day_with_a_last_look(shop: Shop, held: Callable[[], Held], when: str, fate: Fate) -> None:
    shop.at[when] = shop.order(Word.ABORT)
    over = held()
    assert fates(over) == [fate, Fate.LEFT]
    assert (over.history.troubles, shop.desk.cause) == (("a person aborted it",), Cause.PERSON)
    assert shop.customers.events[-2:] == ["gone", "look"]
    assert judge_day(over, shop.desk, "the day").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("when", ["pod-kill", "wait 0.1"])
def test_ctrl_c_is_an_abort(shop: Shop, held: Callable[[], Held], when: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    shop.at[when] = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert fates(held())[1] is Fate.LEFT
    assert (shop.desk.ending, shop.desk.cause) == ("a person pressed Ctrl-C", Cause.PERSON)
    assert signal.getsignal(signal.SIGINT) is before
    assert shop.customers.events[-1] == "look"


def test_a_stop_condition_fails_the_day(shop: Shop, held: Callable[[], Held]) -> None:
    def meet() -> None:
        reason = "25.0 % of 40 requests failed in 30 s; 20 % are allowed"
        thread = threading.Thread(target=shop.desk.end, args=(reason, Cause.CONDITION))
        thread.start()
        thread.join()

    shop.at["pod-kill"] = meet
    over = held()
    judged = judge_day(over, shop.desk, "the day")
    assert (fates(over), judged.verdict) == ([Fate.CUT, Fate.LEFT], Verdict.FAILED)
    assert judged.reasons[0] == (
        "the day: a stop condition ended it\n"
        "  expected  no stop condition is met\n"
        "  observed  25.0 % of 40 requests failed in 30 s; 20 % are allowed\n"
        "  hint      the newest experiment, or what its expectation left out"
    )


def test_a_refusal_and_a_load_that_dies_end_the_day(shop: Shop, held: Callable[[], Held]) -> None:
    shop.refusal = GuardRefusal("namespace shop does not bear the label")
    over = held()
    assert (fates(over), shop.desk.cause) == ([Fate.LEFT, Fate.LEFT], Cause.TROUBLE)
    assert over.history.troubles == ("namespace shop does not bear the label",)


def test_a_load_that_dies_ends_the_day(shop: Shop, held: Callable[[], Held]) -> None:
    def die() -> None:
        raise EnvironmentFault("the load ended by itself with 1")

    shop.at["wait 0.5"] = die
    over = held()
    assert fates(over) == [Fate.RUN, Fate.LEFT]
    assert over.history.troubles == ("the load ended by itself with 1",)


def test_a_day_that_passed_has_no_reason(shop: Shop, held: Callable[[], Held]) -> None:
    over = held()
    judged = judge_day(over, shop.desk, "the day")
    assert (judged.verdict, judged.reasons) == (Verdict.PASSED, ())
