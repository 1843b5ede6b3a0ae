"""Both services of the second system: ``stock`` knows items, ``shop`` asks it for them."""

import asyncio
import json
import os
import urllib.request
from functools import partial

import uvicorn

POD = os.environ["POD_NAME"]
STOCK = os.environ.get("STOCK", "")


async def app(scope, receive, send):
    assert scope["type"] == "http"
    path, headers, body = scope["path"], [(b"x-pod", POD.encode())], {"ok": True}
    if Server.leaving:
        headers.append((b"connection", b"close"))
    if path == "/items" and STOCK:
        with urllib.request.urlopen(STOCK, timeout=2) as answer:
            body = json.load(answer)
            headers.append((b"x-asked", f"stock={answer.headers['X-Pod']}".encode()))
    elif path == "/items":
        body = ["apple", "pear"]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


class Server(uvicorn.Server):
    """Goes on accepting for a while after SIGTERM: some nodes still send to a pod that was deleted by force.

    Meanwhile those who keep a connection are told to leave it.
    """

    leaving = False

    def handle_exit(self, sig, frame):
        Server.leaving = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, 1.7, partial(super().handle_exit, sig, frame))


Server(
    uvicorn.Config(app, host="0.0.0.0", port=7070, lifespan="off", access_log=False, timeout_graceful_shutdown=5)
).run()
