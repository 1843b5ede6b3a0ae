"""Run one service: ``SERVICE=leads python -m marketplace``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

import uvicorn
import uvloop
from starlette.types import ASGIApp

from marketplace.application import Health, build
from marketplace.faults import Faults, admin_app
from marketplace.observability import configure_logging
from marketplace.settings import Settings, read_settings

DRAIN_SECONDS = 10
"""Longest wait for requests in flight after SIGTERM; below the pod's termination grace period."""


class SideServer(uvicorn.Server):
    """A second server in the process: signals are the first one's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class MainServer(uvicorn.Server):
    """The service itself; it says that it is not ready as soon as it is asked to end."""

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._health = health

    def handle_exit(self, sig: int, frame: object) -> None:
        # not uvicorn's own: it raises the signal again at the end, and a process that drained would not exit with 0
        self._health.draining = True
        self.force_exit |= self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _config(app: ASGIApp, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host="0.0.0.0",
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish the requests in flight."""
    health, faults = Health(), Faults(stuck_ready=settings.stuck_ready)
    main = MainServer(_config(build(settings, health, faults), settings.port), health)
    if not settings.faults_enabled:
        await main.serve()
        return
    side = SideServer(_config(admin_app(faults), settings.faults_port))
    switches = asyncio.create_task(side.serve())
    await main.serve()
    side.should_exit = True
    await switches


if __name__ == "__main__":
    try:
        given = read_settings()
    except ValueError as error:
        sys.exit(f"marketplace: {error}")
    configure_logging(given)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(given))
