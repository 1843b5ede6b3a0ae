"""Runs and histories, as the tests of storms and game days need them."""

from __future__ import annotations

import time
from typing import Any, Self

from stakes import pod

from seatrial.chaos.history import History, Look, Run
from seatrial.chaos.ledger import Done, Harmed
from seatrial.chaos.outcome import Outcome
from seatrial.errors import Verdict
from seatrial.load.activities import Activity
from seatrial.load.records import LoadRecord, LoadRequest


def request(start: float, error: str = "", seconds: float = 0.1) -> LoadRequest:
    return LoadRequest(start, seconds, "look", 0 if error else 200, error, "")


def run(number: int = 1, began: float = 100.0, *, errors: bool = False, **changes: Any) -> Run:
    """Return a run of 20 s that kills auth-1 after 5 s and rolls back after 12 s."""
    facts: dict[str, Any] = {"verdict": Verdict.PASSED, "reasons": (), "interrupted": False} | changes
    outcome = Outcome("pod-kill", ("AC03",), 7, ("auth-1",), began=began, seconds=20.0, folder="there", **facts)
    activities = (
        Activity("guard-cluster", "action", began + 4, began + 4.5),
        Activity("kill-pods", "action", began + 5, began + 6),
        Activity("effect-gone", "probe", began + 6, began + 7),
        Activity("heal-system", "action", began + 12, began + 13),
    )
    harmed = Done({"uid of auth-1": Harmed("auth-1", "auth", 0)})
    return Run(number, outcome, errors, ("auth 1/3",), activities, harmed)


STEADY = tuple(request(float(at)) for at in range(90, 131))
WHOLE = (pod("auth-1"), pod("auth-2"))


def history(*runs: Run, lost: tuple[LoadRequest, ...] = (), looks: tuple[Look, ...] = (), **more: Any) -> History:
    """Return a history with a request a second from 90 to 130, and those that were lost."""
    record = LoadRecord(tuple(sorted((*STEADY, *lost), key=lambda each: each.start)))
    return History(runs or (run(),), more.pop("record", record), looks, **more)


class Customers:
    """Customers without anybody."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self.events.append("begin")
        return self

    def __exit__(self, *_: Any) -> None:
        self.events.append("gone")

    def wait(self, seconds: float) -> None:
        self.events.append(f"wait {seconds:g}")
        if self.error:
            raise self.error

    def so_far(self) -> LoadRecord:
        return LoadRecord(tuple(request(time.time() - 5 + each / 100) for each in range(520)))

    def stop(self) -> LoadRecord:
        self.events.append("stop")
        return self.so_far()

    def lost(self) -> tuple[str, ...]:
        return ()
