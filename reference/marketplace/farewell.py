"""Telling callers in time: a process that is to end asks them, with each answer, to use that connection no more."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Farewell:
    """ASGI middleware: without its word a kept connection is closed just when the next request is on its way."""

    def __init__(self, app: ASGIApp, is_leaving: Callable[[], bool]) -> None:
        self.app = app
        self.is_leaving = is_leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and self.is_leaving():
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, receive, answer)
