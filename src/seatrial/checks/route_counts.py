"""Does the gateway count what customers counted themselves? Reconciled exactly, route by route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from seatrial.counted import counted
from seatrial.errors import Doubt, Failure
from seatrial.observe.customers import Reply
from seatrial.observe.route_counts import RouteCounts, status_class
from seatrial.system_gateway import Route

Answered = Sequence[tuple[Route, Reply]]
"""Each request of the customers with the route that it went to."""


def sent(answered: Answered) -> Counter[tuple[str, str]]:
    """Return the customers' own count: path of a route and class of the status to the number of answers."""
    return Counter((route.path, status_class(str(reply.status))) for route, reply in answered)


def uncountable(before: RouteCounts, after: RouteCounts, answered: Answered) -> Iterator[Doubt]:
    """Yield why nothing can be reconciled: the gateway began to count anew, or the customers' count is not known."""
    if before.replicas != after.replicas:
        gone = ", ".join(sorted(before.replicas ^ after.replicas))
        yield Doubt(
            "the gateway's metrics", "the same replicas before and after", "try again when it is at rest", (gone,)
        )
    elif before.answers - after.answers or before.timed - after.timed:
        yield Doubt("the gateway's metrics", "counters that were not set back meanwhile", "see the replicas' restarts")
    lost = [f"{route.path}: {reply.told()}" for route, reply in answered if not reply.status]
    if lost:
        yield Doubt("the customers' own count", "an answer to every request", details=tuple(lost))
    if not any(reply.status >= 400 for _, reply in answered):
        yield Doubt("the customers' own count", "an answer that is an error: every request was a good one")


def unread(counts: RouteCounts) -> Iterator[Failure]:
    """Yield each replica of the gateway that does not tell what it counted; a failure when there is none that does."""
    if counts.unread or not counts.replicas:
        yield Failure(
            "the gateway does not tell what it counted",
            "metrics of each of its replicas",
            f"{len(counts.unread)} of {len(counts.unread) + len(counts.replicas)} without"
            if counts.unread
            else "no replica",
            counts.unread,
            hint="nobody listens on the declared port, or not for that path" if counts.unread else "",
        )


def miscounted(before: RouteCounts, after: RouteCounts, answered: Answered) -> Iterator[Failure]:
    """Yield a failure for each route whose count differs from the customers' own, by class of status."""
    own = sent(answered)
    for path in dict.fromkeys(route.path for route, _ in answered):
        mine = {kind: number for (route, kind), number in own.items() if route == path}
        its = {
            kind: grown
            for (route, kind), number in after.answers.items()
            if route == path and (grown := number - before.answers[route, kind])
        }
        if its != mine:
            yield Failure(
                f"{path}: the gateway's count of its answers is not the customers'",
                _told(mine),
                f"{_told(its)}, counted by {', '.join(sorted(after.replicas))}",
                window=f"{sum(mine.values())} requests",
                hint=_hint(sum(its.values()), sum(mine.values())),
            )


def untimed(before: RouteCounts, after: RouteCounts, answered: Answered) -> Iterator[Failure]:
    """Yield a failure for each route whose latency histogram does not hold as many answers as the customers got."""
    for path, number in Counter(route.path for route, _ in answered).items():
        grown = after.timed[path] - before.timed[path]
        if grown != number:
            yield Failure(
                f"{path}: the gateway has not timed every answer",
                f"{number} answers in its latency histogram",
                str(grown),
                hint=_hint(grown, number),
            )


def _hint(its: int, mine: int) -> str:
    if not its:
        return "the route has another label, or none, in the gateway's metrics"
    if its == mine:
        return "the status that is counted is not the one that customers get"
    return (
        "answers are lost on the way to the counter" if its < mine else "somebody else sent, or they are counted twice"
    )


def _told(kinds: dict[str, int]) -> str:
    return counted(sorted(kinds.items()))
