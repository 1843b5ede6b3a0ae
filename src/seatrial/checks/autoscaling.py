"""Does a service scale as it is meant to: in time, in proportion, within its bounds, and without losing a request?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.checks.instrument import sent_per_second
from seatrial.checks.reliability import first_of, kinds
from seatrial.errors import Doubt, Failure
from seatrial.observe.autoscalers import DECISION_SECONDS
from seatrial.observe.scaling import Scaling

NEARLY = 0.95
"""Of the rate that was ordered, that must have been sent: less load asks for fewer replicas."""
TOLERANCE = 0.1
"""Of its target, that an autoscaler lets pass without a step (Kubernetes' own default)."""
DISAGREEMENT = 0.05
"""Of what replicas use, by which two measurements may differ: an autoscaler's last 15 s, the one beside it 20 s or
more, and on two cores a request cost between 1.0 and 1.4 ms within three minutes."""
MEMORY = "memory"
"""Word by which an autoscaler says that it computed a number of replicas by that resource."""


def unloaded(scaling: Scaling) -> Iterator[Doubt]:
    """Yield a doubt for each load that was not what was ordered."""
    for name, rate in scaling.loads.items():
        sent = sent_per_second(scaling.traffic[name])
        if sent < NEARLY * rate:
            yield Doubt(
                f"{scaling.service}: {name}",
                f"{rate:.0f} requests a second",
                "give the machine to the trial alone",
                (f"{sent:.0f} a second were sent",),
            )


def not_grown(scaling: Scaling, replicas: int, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure when so many replicas were not ready in time."""
    at = scaling.ready_at(replicas)
    seconds = None if at is None else at - scaling.loaded_at
    if seconds is None or seconds > within_seconds:
        last = scaling.autoscaler.conditions
        said = tuple(f"{each.type} {each.holds}: {each.reason}: {each.message}" for each in last)
        yield Failure(
            f"{scaling.service}: it does not grow to {replicas} replicas in time",
            f"{replicas} ready replicas within {within_seconds:g} s of load",
            f"at most {scaling.most} were asked for" if seconds is None else f"after {seconds:.0f} s",
            (_steps(scaling), *said),
            _window(scaling),
            "its autoscaler knows too little, targets something else, or may have no more replicas",
        )


def above(scaling: Scaling, replicas: int) -> Iterator[Failure]:
    """Yield a failure when it ever was to have more replicas than declared."""
    if scaling.most > replicas:
        yield Failure(
            f"{scaling.service}: it grows beyond what is declared",
            f"never more than {replicas} replicas",
            f"{scaling.most}",
            (_steps(scaling),),
            _window(scaling),
        )


def unlimited(scaling: Scaling) -> Iterator[Doubt]:
    """Yield a doubt when its autoscaler never wanted more than it may have: then its limit was not tried."""
    if not scaling.scale.limited(scaling.loaded_at):
        what = f"an autoscaler that would have more than {scaling.autoscaler.max_replicas} replicas"
        yield Doubt(f"{scaling.service}: the limit of its replicas", what, "more load", (_steps(scaling),))


def shrunk_too_soon(scaling: Scaling) -> Iterator[Failure]:
    """Yield a failure when it lost a replica under load, or before its window was over.

    The window counts from its last decision under load, which was up to a period of decisions before the end of that.
    """
    window = scaling.autoscaler.window_seconds
    least = max(window - DECISION_SECONDS, 0.0)
    shrunk = next((each for each in scaling.steps if each.after < each.before), None)
    if shrunk and (seconds := shrunk.at - scaling.eased_at) < least:
        yield Failure(
            f"{scaling.service}: it shrinks too soon",
            f"not before {least:g} s after the load: {window} s after a decision under load, one every "
            f"{DECISION_SECONDS:g} s",
            f"from {shrunk.before} to {shrunk.after} "
            + (f"{seconds:.1f} s after it" if seconds > 0 else f"{-seconds:.1f} s before its end"),
            (_steps(scaling),),
            _window(scaling),
            "its autoscaler looks back for less than its window, or does not see all of the load",
        )


def not_shrunk(scaling: Scaling, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure when it did not come back to its least replicas in time after the load."""
    least = scaling.autoscaler.min_replicas
    back = next((each.at for each in scaling.steps if each.after == least and each.at >= scaling.eased_at), None)
    if back is None or back - scaling.eased_at > within_seconds:
        yield Failure(
            f"{scaling.service}: it does not shrink to its least replicas in time",
            f"{least} replicas within {within_seconds:g} s after the load",
            f"{scaling.scale.wanted} at the end" if back is None else f"after {back - scaling.eased_at:.0f} s",
            (_steps(scaling),),
            _window(scaling),
        )


def fitting(worth: float) -> range:
    """Return the numbers of replicas at which an autoscaler rests under a load that is worth so many.

    It rests within its tolerance, and where what it computes is what it has: that is rounded up to whole replicas, so
    that 4.2 are 5 (Kubernetes, "Horizontal Pod Autoscaling", algorithm details).
    """
    slack = TOLERANCE + DISAGREEMENT
    most = max(math.floor(worth / (1 - slack)), math.ceil(worth * (1 + DISAGREEMENT)))
    return range(max(math.ceil(worth / (1 + slack)), 1), most + 1)


def disproportionate(scaling: Scaling, settle_seconds: float) -> Iterator[Failure]:
    """Yield a failure when it did not settle, or at a number of replicas that its load does not ask for.

    What it does as soon as the load is over does not count: an autoscaler decides every 15 s, so that the end of a rest
    of as many decisions often meets the next one.
    """
    loaded = scaling.scale.until(scaling.eased_at)
    fits, number = fitting(scaling.worth), loaded.wanted
    rested = scaling.eased_at - max(loaded.changed_at, scaling.loaded_at)
    if number not in fits or rested < settle_seconds:
        yield Failure(
            f"{scaling.service}: its replicas are not in proportion to its load",
            f"{' or '.join(map(str, fits))} replicas for {settle_seconds:g} s",
            f"{number} replicas for {rested:.0f} s",
            (
                f"load for {scaling.worth:.1f} replicas; autoscalers let {TOLERANCE:.0%} pass, "
                f"and measurements differ by {DISAGREEMENT:.0%}",
                _steps(scaling),
            ),
            _window(scaling),
        )


def unbounded(scaling: Scaling) -> Iterator[Doubt]:
    """Yield a doubt when its load was worth no number of replicas, or that at which it must stop in any case."""
    fits, most = fitting(scaling.worth), scaling.autoscaler.max_replicas
    if not fits or most in fits or scaling.autoscaler.min_replicas in fits:
        yield Doubt(
            f"{scaling.service}: a load in proportion",
            f"a load for fewer than {most} replicas, and more than {scaling.autoscaler.min_replicas}",
            "give the machine to the trial alone",
            (f"by what its replicas use it was for {scaling.worth:.1f}",),
        )


def not_for_memory(scaling: Scaling, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure when no step was taken for memory, or it did not grow to the most that it may have."""
    most = scaling.autoscaler.max_replicas
    grown = [each for each in scaling.steps if each.after > each.before]
    others = [each for each in grown if MEMORY not in each.why]
    if scaling.most < most or others or not grown:
        yield Failure(
            f"{scaling.service}: it does not grow for its memory",
            f"{most} replicas within {within_seconds:g} s, each step for memory",
            f"{scaling.most} replicas",
            (_steps(scaling),),
            _window(scaling),
            "its autoscaler has no target for memory, or does not know what its replicas use of it",
        )


def lost(scaling: Scaling, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure for each kind of request that was lost while it scaled, and when none was made at all."""
    for kind, traffic in scaling.traffic.items():
        failed = traffic.failed
        if failed or not traffic.count:
            yield Failure(
                f"{scaling.service}: requests fail while it scales ({kind})",
                "no failed request",
                f"{len(failed):,} of {traffic.count:,} failed: {kinds(failed)}" if traffic.count else "none was made",
                (first_of(failed, scaling.loaded_at), _steps(scaling)) if failed else (),
                f"{_window(scaling)}; from {traffic.node}, nobody tries again",
                "replicas get requests before they are ready, or end before they are forgotten",
                evidence,
            )


def _steps(scaling: Scaling) -> str:
    told = (
        f"{each.before} → {each.after} at {each.at - scaling.loaded_at:+.0f} s{f' ({each.why})' if each.why else ''}"
        for each in scaling.steps
    )
    return f"steps: {', '.join(told) or 'none'}"


def _window(scaling: Scaling) -> str:
    load = f"{scaling.rate_per_second:.0f} requests a second" if scaling.rate_per_second else "no load"
    loaded, watched = scaling.eased_at - scaling.loaded_at, scaling.ended_at - scaling.loaded_at
    return f"{load} for {loaded:.0f} s, watched for {watched:.0f} s"
