"""Fault switches for trials, on a listener of their own that no Service and no gateway leads to."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

BURN_SLICE_SECONDS = 0.1


class Change(BaseModel):
    """What to switch; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    readiness: Literal["ok", "fail"] | None = None
    hang: bool | None = None
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    latency_seconds: Annotated[float, Field(ge=0, le=60)] | None = None
    cpu_burn: Annotated[float, Field(ge=0, le=1)] | None = None


class Faults:
    """The faults that are on in this process; none at first."""

    def __init__(self, *, stuck_ready: bool = False) -> None:
        self.stuck_ready = stuck_ready
        self.readiness = "ok"
        self.error_rate = 0.0
        self.latency_seconds = 0.0
        self.cpu_burn = 0.0

    @property
    def withhold_readiness(self) -> bool:
        return self.readiness == "fail" and not self.stuck_ready

    def state(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "stuck_ready"}

    def change(self, change: Change) -> None:
        """Switch; a hang begins right after the answer."""
        burning = self.cpu_burn > 0
        for name, value in change.model_dump(exclude_none=True, exclude={"hang"}).items():
            setattr(self, name, value)
        if self.cpu_burn > 0 and not burning:
            threading.Thread(target=self._burn, daemon=True).start()
        if change.hang:
            asyncio.get_running_loop().call_later(0.05, _hang)

    async def disturb(self) -> bool:
        """Wait as long as the switches say; true when the request is to fail."""
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        return random.random() < self.error_rate

    def _burn(self) -> None:
        while self.cpu_burn > 0:
            until = time.monotonic() + BURN_SLICE_SECONDS * self.cpu_burn
            while time.monotonic() < until:
                pass
            time.sleep(BURN_SLICE_SECONDS * (1 - self.cpu_burn))


def _hang() -> None:
    """Block the event loop for good: a real hang, for probes too."""
    while True:
        time.sleep(3600)


def admin_app(faults: Faults) -> FastAPI:
    """Return the application of the fault switches."""
    app = FastAPI(title="fault switches", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/faults")
    async def show() -> dict[str, object]:
        return faults.state()

    @app.put("/faults")
    async def switch(change: Change) -> dict[str, object]:
        faults.change(change)
        return faults.state()

    return app
