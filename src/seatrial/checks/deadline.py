"""Do calls end in time when nobody answers?"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.errors import Failure
from seatrial.observe.customers import Reply

GATEWAY_TIMEOUT = 504
SLACK_SECONDS = 1.0
"""For the way there and back, and for a gateway that looks at its clock now and then."""


def endless(path: str, reply: Reply, within_seconds: float) -> Iterator[Failure]:
    """Yield a failure unless a call that nobody answers ended with a timeout at the declared time."""
    if reply.status == GATEWAY_TIMEOUT and abs(reply.seconds - within_seconds) <= SLACK_SECONDS:
        return
    yield Failure(
        f"{path} ({reply.method} {reply.url}): a call that nobody answers does not end as declared",
        f"HTTP {GATEWAY_TIMEOUT} after {within_seconds:g} s, give or take {SLACK_SECONDS:g} s",
        f"{f'no answer: {reply.error}' if reply.error else f'HTTP {reply.status}'} after {reply.seconds:.1f} s",
        hint="tried again although it may have been seen" if reply.seconds > within_seconds + SLACK_SECONDS else "",
    )
