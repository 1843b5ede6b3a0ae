"""Steady load over kept connections: requests go out when they are due, whatever became of others (open loop)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial.observe.flow import at_once
from seatrial.observe.records import Traffic, merge
from seatrial.observe.target import Target
from seatrial.observe.vantage import Run, Vantage
from seatrial.system import System

CONNECTIONS = 6
"""Connections of one agent that are open before the first request is due, on each way."""
MOST_AWAITED = 500
"""Answers that an agent waits for at the same time; its bound is 512, the rest is for what takes a little longer."""
SPARE = 12


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind, and the agents that send them, each its part."""

    name: str
    """What is asked by whom, for a reader."""
    target: Target
    agents: tuple[Vantage, ...]
    status: int = 200
    """HTTP status of a good answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A stream, and what became of it."""

    stream: Stream
    runs: tuple[Traffic, ...]
    """One of each agent."""
    rate_per_second: float

    @property
    def traffic(self) -> Traffic:
        """Return the requests of all agents together."""
        return merge(self.runs)


def patience(rate_per_second: float, timeout_seconds: float) -> float:
    """Return after how many seconds one agent gives a request up: it cannot wait longer for all that are under way.

    So answers that do not come are failures of the system, and never make the agent send the next requests late.
    """
    return min(timeout_seconds, MOST_AWAITED / rate_per_second)


def send_steadily(system: System, streams: Sequence[Stream], *, count: int, rate_per_second: float) -> list[Sent]:
    """Send all streams at the same time, at least ``count`` requests of each, and return what became of them.

    The rate (a second) is that of all streams together.
    """
    each = rate_per_second / max(len(streams), 1)

    def begin(pair: tuple[Stream, Vantage]) -> Run:
        stream, vantage = pair
        share = len(stream.agents)
        return load(system, vantage, stream.target, count=math.ceil(count / share), rate_per_second=each / share)

    pairs = [(stream, vantage) for stream in streams for vantage in stream.agents]
    ended = iter(at_once(Run.wait, at_once(begin, pairs)))
    return [Sent(stream, tuple(next(ended) for _ in stream.agents), each) for stream in streams]


def send_by_turns(system: System, vantage: Vantage, first: Target, other: Target, turns: str) -> Traffic:
    """Send blocks of requests from one agent, to the first target (0) or the other one (1), in order of ``turns``."""
    given = system.tolerances
    count, rate = given.block_requests * len(turns), given.compared_rate_per_second
    return load(system, vantage, first, count=count, rate_per_second=rate, other=other, turns=turns).wait()


def send_until(system: System, vantage: Vantage, target: Target, is_enough: Callable[[Traffic], bool]) -> Traffic:
    """Send at the rate that an agent must reach, again until it is enough or the bound is over; return the last run."""
    given, deadline = system.tolerances, time.monotonic() + system.tolerances.instrument_shown_seconds
    rate = given.instrument_rate_per_second
    count = int(rate * given.instrument_seconds)
    while True:
        traffic = load(system, vantage, target, count=count, rate_per_second=rate).wait()
        if is_enough(traffic) or time.monotonic() >= deadline:
            return traffic


def load(
    system: System,
    vantage: Vantage,
    target: Target,
    *,
    count: int,
    rate_per_second: float,
    other: Target | None = None,
    turns: str = "",
) -> Run:
    """Begin to send from one agent, by the names and bounds of the system."""
    timeout = patience(rate_per_second, system.tolerances.request_timeout_seconds)
    return vantage.load(
        target,
        rate_per_second=rate_per_second,
        count=count,
        concurrency=math.ceil(rate_per_second * timeout) + SPARE,
        connections=CONNECTIONS,
        identity_header=system.identity.header,
        timeout_seconds=timeout,
        other=other,
        turns=turns,
    )
