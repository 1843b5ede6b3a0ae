"""Stateless tokens: any replica of auth can check what another one issued."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

LIFETIME_SECONDS = 3600


def issue(username: str, key: str, *, now: float | None = None) -> str:
    """Return a signed token for a user."""
    expires = int(now if now is not None else time.time()) + LIFETIME_SECONDS
    payload = base64.urlsafe_b64encode(json.dumps({"sub": username, "exp": expires}).encode()).decode()
    return f"{payload}.{_signature(payload, key)}"


def check(token: str, key: str, *, now: float | None = None) -> dict[str, object] | None:
    """Return the claims of a token, or None when it is forged, malformed or expired."""
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(payload, key).encode()):
        return None
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload))
    return claims if int(str(claims["exp"])) > (now if now is not None else time.time()) else None


def _signature(payload: str, key: str) -> str:
    return hmac.new(key.encode(), payload.encode(), hashlib.sha256).hexdigest()
