"""What every request leaves behind: headers, metrics, one JSON line; and the identity that is passed on."""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketplace.settings import Settings

COOKIE = "session"
"""Name of the cookie that carries the token of a browser."""
PLATFORM_PATHS = frozenset({"/livez", "/readyz", "/startupz", "/metrics", "/openapi.json"})
"""Spared by faults and not logged: they serve the platform, not customers."""
LONGEST_REQUEST_ID = 128
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

log = logging.getLogger("marketplace")


@dataclass
class RequestState:
    """What belongs to the request at hand."""

    request_id: str
    authorization: str
    called: dict[str, str] = field(default_factory=dict)
    """Dependency to the pod that answered."""


CURRENT: ContextVar[RequestState] = ContextVar("request")


class Metrics:
    """The Prometheus metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("http_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests being answered.", registry=self.registry)
        self.calls = Counter(
            "dependency_calls", "Calls to dependencies.", ("dependency", "status"), registry=self.registry
        )
        self.call_seconds = Histogram(
            "dependency_call_duration_seconds",
            "Time of calls to dependencies.",
            ("dependency",),
            buckets=BUCKETS,
            registry=self.registry,
        )


class JsonFormatter(logging.Formatter):
    """One JSON object per line; the request's id is in each line that belongs to one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._base = {"service": settings.service, "pod": settings.pod}

    def format(self, record: logging.LogRecord) -> str:
        state = CURRENT.get(None)
        line = {"time": round(record.created, 6), "level": record.levelname.lower(), **self._base}
        line |= {"request_id": state.request_id} if state else {}
        line |= {"message": record.getMessage(), **getattr(record, "facts", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging(settings: Settings) -> None:
    """Send all logs to standard output as JSON; uvicorn's access log is off, ours says more."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(settings))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for quiet in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


def _from_cookie(headers: Headers) -> str:
    """Return what the header would be, for a browser that sends the token as a cookie."""
    token = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    # quoted cookies may hold what no header can be passed on with, such as a line feed
    return f"Bearer {token}" if token.isprintable() and " " not in token and token else ""


class Observed:
    """ASGI middleware around every request of a service."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")[:LONGEST_REQUEST_ID] or uuid.uuid4().hex
        state = RequestState(request_id, headers.get("authorization", "") or _from_cookie(headers))
        CURRENT.set(state)
        began, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._sign(MutableHeaders(scope=message), state)
            await send(message)

        with self.metrics.in_flight.track_inprogress():
            try:
                await self.app(scope, receive, answer)
            finally:
                self._record(scope, status, time.perf_counter() - began)

    def _sign(self, headers: MutableHeaders, state: RequestState) -> None:
        headers["X-Served-By"] = self.settings.pod
        headers["X-Request-Id"] = state.request_id
        if state.called:
            headers["X-Called"] = ",".join(f"{name}={pod}" for name, pod in state.called.items())

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", scope["path"] if scope["path"] in PLATFORM_PATHS else "unmatched")
        method = scope["method"]
        self.metrics.requests.labels(method, path, str(status)).inc()
        self.metrics.seconds.labels(method, path).observe(seconds)
        if scope["path"] not in PLATFORM_PATHS:
            facts = {"method": method, "route": path, "status": status, "seconds": round(seconds, 6)}
            log.info("answered", extra={"facts": facts})
