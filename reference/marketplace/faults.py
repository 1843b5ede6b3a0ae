"""Fault switches for trials, on a listener of their own that no Service and no gateway leads to."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import Annotated, Literal

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from marketplace.refusals import refuse_in_words

BURN_SLICE_SECONDS = 0.1
GROW_SLICE_SECONDS = 0.1


class Change(BaseModel):
    """What to switch; a field that is left out stays as it is."""

    # strict: a switch that is set by mistake spoils a trial, so that "yes" is not true and "0.5" no number
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    readiness: Literal["ok", "fail"] | None = None
    hang: Literal[True] | None = None
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    error_status: Literal[500, 503] | None = None
    latency_seconds: Annotated[float, Field(ge=0, le=60)] | None = None
    cpu_burn: Annotated[float, Field(ge=0, le=1)] | None = None
    memory_mib_per_second: Annotated[float, Field(ge=0, le=1024)] | None = None


class Faults:
    """The faults that are on in this process; none at first."""

    def __init__(self, *, stuck_ready: bool = False) -> None:
        self.stuck_ready = stuck_ready
        self.readiness = "ok"
        self.error_rate = 0.0
        self.error_status = 500
        self.latency_seconds = 0.0
        self.cpu_burn = 0.0
        self.memory_mib_per_second = 0.0
        self._burner: threading.Thread | None = None
        self._grower: threading.Thread | None = None

    @property
    def withhold_readiness(self) -> bool:
        return self.readiness == "fail" and not self.stuck_ready

    def state(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in Change.model_fields if name != "hang"}

    def change(self, change: Change) -> None:
        """Switch; a hang begins right after the answer."""
        for name, value in change.model_dump(exclude_none=True, exclude={"hang"}).items():
            setattr(self, name, value)
        if self.cpu_burn and not self._burner:
            self._burner = threading.Thread(target=self._burn, daemon=True)
            self._burner.start()
        if self.memory_mib_per_second and not self._grower:
            self._grower = threading.Thread(target=self._grow, daemon=True)
            self._grower.start()
        if change.hang:
            asyncio.get_running_loop().call_later(0.05, _hang)

    async def disturb(self) -> bool:
        """Wait as long as the switches say; true when the request is to fail."""
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        return random.random() < self.error_rate

    def _burn(self) -> None:
        while True:
            share = self.cpu_burn
            until = time.monotonic() + BURN_SLICE_SECONDS * share
            while time.monotonic() < until:
                pass
            time.sleep(BURN_SLICE_SECONDS * (1 - share))

    def _grow(self) -> None:
        """Take memory and write to it, as a leak does; give it all back when the switch is off."""
        taken: list[bytes] = []
        while True:
            # bytes that are written: zeros would be one page of the kernel's until somebody writes
            taken.append(b"\x01" * int(self.memory_mib_per_second * GROW_SLICE_SECONDS * 2**20))
            if not self.memory_mib_per_second:
                taken.clear()
            time.sleep(GROW_SLICE_SECONDS)


def _hang() -> None:
    """Block the event loop for good: a real hang, for probes too."""
    while True:
        time.sleep(3600)


def admin_app(faults: Faults) -> FastAPI:
    """Return the application of the fault switches."""
    app = FastAPI(
        title="fault switches",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={RequestValidationError: refuse_in_words},
    )

    @app.get("/faults")
    async def show() -> dict[str, object]:
        return faults.state()

    @app.put("/faults")
    async def switch(change: Change) -> dict[str, object]:
        faults.change(change)
        return faults.state()

    return app
