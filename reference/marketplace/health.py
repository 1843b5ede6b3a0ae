"""What the platform asks of every process, again and again: has it started, does it answer, is it to get traffic?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.faults import Faults


class Health:
    """Which phase of its life the process is in."""

    started = False
    draining = False


def health_checks(health: Health, faults: Faults) -> Mapping[str, Callable[[], bool]]:
    """Return what each health check asks, by its path."""
    return {
        "/startupz": lambda: health.started,
        "/livez": lambda: True,  # that it answers is the whole claim
        # Dependencies are left out on purpose: one of them failing would take down every service that needs it.
        "/readyz": lambda: health.started and not health.draining and not faults.withhold_readiness,
    }


class HealthChecks:
    """ASGI middleware that answers health checks before routes are looked at, dependencies solved, bodies tagged.

    They are most of what a process does while nobody needs it. Each finds the caches of its core full of what others
    do, so that it costs as much as the code that it runs through, most of which is the framework's.
    """

    def __init__(self, app: ASGIApp, checks: Mapping[str, Callable[[], bool]]) -> None:
        self.app = app
        self.checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        check = self.checks.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if check is None:
            await self.app(scope, receive, send)
        else:
            answer = PlainTextResponse("ok\n") if check() else PlainTextResponse("no\n", 503)
            await answer(scope, receive, send)
