"""What a service may answer besides success, for its OpenAPI description: here, so that all four say it alike."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Answers = dict[int | str, dict[str, Any]]
"""By status, as FastAPI takes it for ``responses``."""


class Refusal(BaseModel):
    """Every refusal says in words what is wrong; only 422 (:mod:`marketplace.refusals`) says it field by field."""

    detail: str


MEANINGS = {
    400: "The body cannot be read as text",
    401: "No token, or one that is not valid",
    403: "Not in the name of somebody else",
    404: "There is no such document",
    409: "Asked for already",
    502: "A service that this one needs does not answer, or answers what it should not",
}


def _header(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "required": True, "schema": {"type": "string"}}


def refusals(*statuses: int) -> Answers:
    """Describe refusals by their statuses."""
    return {status: {"model": Refusal, "description": MEANINGS[status]} for status in statuses}


CHALLENGED: Answers = {401: refusals(401)[401] | {"headers": {"WWW-Authenticate": _header("Bearer")}}}
"""A token is needed: what every service but the log-in says without one."""

_TAGGED = {"headers": {"ETag": _header("Tag of the answer: sent as If-None-Match it spares the body of the same one")}}
KEPT: Answers = {200: _TAGGED, 304: {"description": "The caller has the present answer", **_TAGGED}}
"""A read that a caller may keep, and ask again for by its tag: see :mod:`marketplace.conditional`."""
