"""Do customers stay with the replica that they met first, and go on with another when it dies?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from http.cookies import CookieError, SimpleCookie

from seatrial.errors import Doubt, Failure
from seatrial.observe.customers import Reply
from seatrial.observe.records import PodView
from seatrial.observe.regulars import Visits, replies_of
from seatrial.system_gateway import Affinity, Route


def not_staying(route: Route, visits: Sequence[Visits], header: str) -> Iterator[Failure]:
    """Yield a failure unless each customer's requests were all answered well, and by one replica alone."""
    assert route.affinity
    status = route.call.status
    wandering = [each for each in visits if not _stays(each, status, header)]
    if not visits or wandering:
        yield Failure(
            f"{route.path}: customers do not stay with one replica",
            f"HTTP {status} from one replica alone for each customer ({route.affinity.told})",
            f"{len(wandering)} of {len(visits)} customers: not so" if visits else "no customer came",
            tuple(f"customer {each.customer}: {_told(each.replies, status, header)}" for each in wandering),
            hint=_hint(route.affinity, replies_of(wandering)) if visits else "",
        )


def huddling(route: Route, visits: Sequence[Visits], header: str, replicas: int) -> Iterator[Failure]:
    """Yield a failure when all customers meet the same replica.

    An even choice puts n customers on one of k replicas with probability k·(1/k)^n.
    """
    met = {reply.header(header) for reply in replies_of(visits)}
    if len(met) < 2:
        chance = replicas ** (1 - len(visits))
        yield Failure(
            f"{route.path}: all {len(visits)} customers meet the same replica",
            f"several of {replicas} replicas; by chance all meet one with probability {chance:.1g}",
            ", ".join(sorted(met)) or "no answer",
            hint="the choice follows something that all customers have in common, for instance their address",
        )


def deserted(
    route: Route, replies: Sequence[Reply], header: str, victim: str, at: float, bound_seconds: float
) -> Iterator[Failure]:
    """Yield a failure unless customers get good answers from others than the victim, once the bound is over.

    ``replies`` are those of customers who were with it, ``at`` is when it was deleted, in Unix seconds.
    """
    late = [reply for reply in replies if reply.start > at + bound_seconds]
    bad = [reply for reply in late if reply.status != route.call.status or reply.header(header) in ("", victim)]
    if not late or bad:
        last = max((reply.start for reply in bad), default=at) - at
        yield Failure(
            f"{route.path}: customers of {victim} are not served when it is gone",
            f"HTTP {route.call.status} from another replica, from {bound_seconds:g} s after its deletion on",
            f"{len(bad)} of {len(late)} not so, the last {last:.1f} s after it: {_told(bad, route.call.status, header)}"
            if late
            else "nobody asked after the bound",
            hint="the gateway still sends them to the replica that is gone" if bad else "",
        )


def strangers(route: Route, replies: Sequence[Reply], header: str, replicas: Collection[str]) -> Iterator[Failure]:
    """Yield a failure when somebody answers customers who is no replica of the route's service."""
    met = {reply.header(header) for reply in replies if reply.status == route.call.status} - set(replicas)
    if met:
        yield Failure(
            f"{route.path}: somebody else than {route.service} answers",
            f"one of {', '.join(sorted(replicas)) or 'no ready replica'}",
            ", ".join(name or "nobody named" for name in sorted(met)),
        )


def nobody_lost(route: Route, victim: PodView, pods: Collection[PodView], customers: int) -> Iterator[Doubt]:
    """Yield a doubt when the victim is still there, or when no customer was with it."""
    if victim.uid in {pod.uid for pod in pods}:
        yield Doubt(f"{route.path}: {victim.name}", "its pod is still there after its deletion", "see the events")
    if not customers:
        yield Doubt(f"{route.path}: {victim.name}", "a customer who was with it")


def _stays(visits: Visits, status: int, header: str) -> bool:
    met = {reply.header(header) for reply in visits.replies}
    return len(met) == 1 and any(met) and all(reply.status == status for reply in visits.replies)


def _told(replies: Sequence[Reply], status: int, header: str) -> str:
    """Say who answered well, and what else came, the most frequent first."""
    kinds = Counter(
        (reply.header(header) or "nobody named") if reply.status == status else (reply.error or f"HTTP {reply.status}")
        for reply in replies
    )
    return ", ".join(f"{kind} {hits}" for kind, hits in kinds.most_common()) or "no answer"


def _hint(affinity: Affinity, replies: Sequence[Reply]) -> str:
    if not affinity.cookie:
        return f"the gateway does not choose by the header {affinity.header}"
    if any(affinity.cookie in _given(reply) for reply in replies):
        return f"the gateway gives the cookie {affinity.cookie}, and does not heed it"
    return f"the gateway gives no cookie {affinity.cookie}"


def _given(reply: Reply) -> Collection[str]:
    try:
        return SimpleCookie(reply.header("set-cookie"))
    except CookieError:
        return ()
