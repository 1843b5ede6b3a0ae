"""Both services of the second system: ``stock`` knows items, ``shop`` asks it for them."""

import json
import os
import urllib.request

import uvicorn

POD = os.environ["POD_NAME"]
STOCK = os.environ.get("STOCK", "")


async def app(scope, receive, send):
    assert scope["type"] == "http"
    path, headers, body = scope["path"], [(b"x-pod", POD.encode())], {"ok": True}
    if path == "/items" and STOCK:
        with urllib.request.urlopen(STOCK, timeout=2) as answer:
            body = json.load(answer)
            headers.append((b"x-asked", f"stock={answer.headers['X-Pod']}".encode()))
    elif path == "/items":
        body = ["apple", "pear"]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


uvicorn.run(app, host="0.0.0.0", port=7070, lifespan="off", access_log=False, timeout_graceful_shutdown=5)
