"""One service as an ASGI application: its own routes and what all services have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from marketplace.conditional import Conditional
from marketplace.dependencies import Dependencies
from marketplace.farewell import Farewell
from marketplace.faults import Faults
from marketplace.health import Health, HealthChecks, health_checks
from marketplace.observability import PLATFORM_PATHS, Metrics, Observed
from marketplace.origin import peers
from marketplace.refusals import refuse
from marketplace.settings import Settings


def build(settings: Settings, health: Health, faults: Faults) -> ASGIApp:
    """Return the application of the service that the settings name."""
    metrics = Metrics()
    dependencies = Dependencies(settings, metrics)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        start = asyncio.create_task(_start(settings, health))
        yield
        start.cancel()
        await dependencies.close()

    # a dependency and not a middleware: a request that a fault disturbs is counted under its route
    async def disturb(request: Request) -> None:
        if request.url.path not in PLATFORM_PATHS and await faults.disturb():
            raise HTTPException(faults.error_status, "a fault switch is on")

    app = FastAPI(
        title=settings.service,
        version="1.0.0",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(disturb)],
        exception_handlers={RequestValidationError: refuse},
    )
    app.add_middleware(Conditional)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
        allow_credentials=True,
        max_age=600,
    )
    app.include_router(import_module(f"marketplace.{settings.service}").router(settings, dependencies))
    _add_platform_routes(app, settings, metrics)
    checked = HealthChecks(app, health_checks(health, faults))
    return Farewell(Observed(checked, settings, metrics), lambda: health.draining)


async def _start(settings: Settings, health: Health) -> None:
    await asyncio.sleep(settings.startup_delay_seconds)
    health.started = True


def _add_platform_routes(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    @app.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/whoami", tags=["platform"])
    async def who_am_i(request: Request) -> dict[str, str]:
        known = peers(",".join(request.headers.getlist("x-forwarded-client-cert")))
        return {"service": settings.service, "pod": settings.pod, "node": settings.node, **known}
