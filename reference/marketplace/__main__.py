"""Run one service: ``SERVICE=leads python -m marketplace``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Literal

import uvicorn
import uvloop
from starlette.types import ASGIApp

from marketplace.application import build
from marketplace.faults import Faults, admin_app
from marketplace.health import Health
from marketplace.observability import configure_logging
from marketplace.settings import Settings, read_settings

DRAIN_SECONDS = 10
"""Longest wait for requests in flight after SIGTERM; below the pod's termination grace period."""
KEEP_ALIVE_SECONDS = 3660
"""Longer than any proxy before the service keeps an idle connection (Envoy: an hour): the side that is asked must not
be first to close, for a request that is on its way at that moment is lost."""

QUEUE = 128
"""Connections that wait until they are accepted. A process that stood still (its node was paused) answers these first,
though who opened them has long left: with uvicorn's 2048 that took longer than liveness waits, and it was restarted."""

TICK_SECONDS = 1.0
"""Between two looks at the clock, for the ``Date`` of answers."""


class Server(uvicorn.Server):
    """A server that is told of its end, and looks at the clock once a second.

    uvicorn's looks for both ten times a second, which is most of what an idle process does.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # 0: the tick that renews the Date
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_SECONDS)

    def end(self) -> None:
        self.should_exit = True
        self._told.set()


class SideServer(Server):
    """A further server in the process: signals are the first one's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class MainServer(Server):
    """The service itself; asked to end it says that it is not ready, and goes on accepting for a while.

    A pod that is deleted by force gets its signal while some nodes still send to it, and no preStop hook before it.
    """

    def __init__(self, config: uvicorn.Config, health: Health, settings: Settings) -> None:
        super().__init__(config)
        self._health = health
        self._linger_seconds = settings.linger_seconds
        self._abrupt = settings.abrupt_end

    def handle_exit(self, sig: int, frame: object) -> None:
        if self._abrupt:
            os._exit(128 + sig)
        # not uvicorn's own: it raises the signal again at the end, and a process that drained would not exit with 0
        asked_before, self._health.draining = self._health.draining, True
        self.force_exit |= asked_before and sig == signal.SIGINT
        linger_seconds = 0.0 if asked_before else self._linger_seconds
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, linger_seconds, self.end)


def _config(app: ASGIApp, port: int, lifespan: Literal["auto", "off"] = "auto") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host="0.0.0.0",
        port=port,
        backlog=QUEUE,
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish the requests in flight."""
    health, faults = Health(), Faults(stuck_ready=settings.stuck_ready)
    app = build(settings, health, faults)
    main = MainServer(_config(app, settings.port), health, settings)
    beside = []
    if settings.direct_port:  # the very same application, so that nothing differs but the way to it
        beside.append(SideServer(_config(app, settings.direct_port, lifespan="off")))
    if settings.faults_enabled:
        beside.append(SideServer(_config(admin_app(faults), settings.faults_port)))
    serving = [asyncio.create_task(server.serve()) for server in beside]
    await main.serve()
    for server in beside:
        server.end()
    await asyncio.gather(*serving)


def boot(seconds: float) -> None:
    """Take time before anything listens; obey SIGTERM meanwhile, which process 1 of a container does not by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    time.sleep(seconds)


if __name__ == "__main__":
    try:
        given = read_settings()
    except ValueError as error:
        sys.exit(f"marketplace: {error}")
    configure_logging(given)
    boot(given.boot_seconds)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(given))
