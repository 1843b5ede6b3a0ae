"""Calls to other services: found by name, balanced anew each time, with the request's identity passed on."""

from __future__ import annotations

import time
from typing import Any

import httpx
from fastapi import HTTPException

from marketplace.observability import CURRENT, Metrics, log
from marketplace.settings import Settings

TIMEOUT_SECONDS = 2.0


class Dependencies:
    """The services that this one calls.

    No connection is kept: kube-proxy balances connections, so only a new one can go to another replica.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._urls = settings.urls
        self._metrics = metrics
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_keepalive_connections=0), timeout=TIMEOUT_SECONDS, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, service: str, path: str) -> Any:
        """Return the JSON answer; HTTPException 401 and 404 as the callee said, 502 when it failed."""
        state, began = CURRENT.get(), time.perf_counter()
        # as bytes, the way they came: httpx takes text for ASCII, and a caller may send anything
        passed_on = {"x-request-id": state.request_id, "authorization": state.authorization}
        headers = {name.encode(): value.encode("latin-1") for name, value in passed_on.items()}
        status = "error"
        try:
            answer = await self._client.get(f"{self._urls[service]}{path}", headers=headers)
            status = str(answer.status_code)
        except httpx.HTTPError as error:
            log.warning("call failed", extra={"facts": {"dependency": service, "reason": repr(error)}})
            raise HTTPException(502, f"{service} does not answer") from error
        finally:
            self._metrics.calls.labels(service, status).inc()
            self._metrics.call_seconds.labels(service).observe(time.perf_counter() - began)
        state.called[service] = answer.headers.get("X-Served-By", "unknown")
        if answer.status_code not in (200, 401, 404):
            raise HTTPException(502, f"{service} answered {answer.status_code}")
        try:
            document = answer.json()
        except ValueError as error:
            raise HTTPException(502, f"{service} answered something else than JSON") from error
        if answer.status_code == 200:
            return document
        challenge = {"WWW-Authenticate": "Bearer"} if answer.status_code == 401 else None
        raise HTTPException(answer.status_code, document.get("detail"), headers=challenge)

    async def require_login(self) -> dict[str, Any]:
        """Have auth check the caller's token; HTTPException 401 when there is none or it is not valid."""
        if not CURRENT.get().authorization:
            raise HTTPException(401, "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        token: dict[str, Any] = await self.get("auth", "/v1/token")
        return token
