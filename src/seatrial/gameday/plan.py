"""The plan of a game day; reading it, and errors that point at its line, are in :mod:`seatrial.gameday.plan_file`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seatrial.chaos.plan import Wish
from seatrial.system_values import Model, Ratio, Text

Pause = Annotated[float, Field(ge=0, le=3600)]


class Entry(Model):
    """One experiment of the day."""

    name: Text
    """Of a file in ``experiments/``."""
    expect: Text
    """What those who are there expect to see, written before they see it."""
    services: tuple[Text, ...] = ()
    """Choose among the replicas of these only."""
    targets: Text | None = None
    """Regular expression of the pods that are to suffer."""
    node: Text | None = None
    """Worker that is to suffer."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Of who suffers; a new one when left out."""
    pause_seconds: Pause = 30
    """Of load alone after it, to look and to talk."""

    @property
    def wish(self) -> Wish:
        return Wish(self.services, self.targets, self.node, self.seed)


class Traffic(Model):
    """Customers at work all day."""

    users: Annotated[int, Field(ge=1, le=1000)]
    """At the same time."""
    journey: tuple[Text, ...] = ()
    """Steps of the system's journey, as NAME or NAME=WEIGHT; all when left out."""
    warm_up_seconds: Pause = 30
    """Of load alone before the first experiment."""


class Stop(Model):
    """What ends the day at once, with rollback and heal, whoever looks away."""

    error_ratio: Ratio
    """Failed requests of customers, as a part of all, over the window."""
    window_seconds: Annotated[float, Field(ge=5, le=600)] = 30
    """The window of that ratio."""
    lost_seconds: Annotated[float, Field(ge=10, le=3600)]
    """For how long the steady state may be lost."""
    minutes: Annotated[float, Field(gt=0, le=220)]
    """How long the day may last."""


class DayPlan(Model):
    """A whole plan."""

    title: Text
    lead: Text
    """Who decides, and who wrote the notes that name nobody else."""
    approver: Text
    """Who is to read the record and to approve it."""
    hypothesis: Text
    """What is believed of the system, and would be shown wrong."""
    experiments: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=50)]
    load: Traffic
    stop: Stop
