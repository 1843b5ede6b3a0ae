"""Conditional requests: a reader that knows the present answer by its tag gets 304 and no body."""

from __future__ import annotations

import hashlib

from fastapi import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketplace.observability import PLATFORM_PATHS


def keep_nowhere(response: Response) -> None:
    """Say that an answer is its caller's own, and not for caches."""
    response.headers["Cache-Control"] = "no-store"


class Conditional:
    """ASGI middleware: tags every good answer to GET that may be kept, and leaves out a body that the caller has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] in PLATFORM_PATHS:
            await self.app(scope, receive, send)
            return
        # compared weakly, as RFC 9110 has it: W/"x" and "x" are the same
        given = ",".join(Headers(scope=scope).getlist("if-none-match")).split(",")
        known = [f"W/{tag.strip().removeprefix('W/')}" for tag in given]
        start: Message = {}
        body = b""

        async def hold(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                await self._answer(start, body, known, send)

        await self.app(scope, receive, hold)

    async def _answer(self, start: Message, body: bytes, known: list[str], send: Send) -> None:
        headers = MutableHeaders(raw=start["headers"])
        if start["status"] == 200 and headers.get("cache-control") != "no-store":
            headers["ETag"] = tag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
            if tag in known or "W/*" in known:
                start, body = {**start, "status": 304}, b""
                del headers["content-length"]
                del headers["content-type"]
            start["headers"] = headers.raw
        await send(start)
        await send({"type": "http.response.body", "body": body})
