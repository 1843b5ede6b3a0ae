"""How a request that is not as described is refused: 422, and what is wrong where, whatever was sent."""

from __future__ import annotations

import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response


async def refuse(_: Request, error: Exception) -> Response:
    """Answer as OpenAPI says, without the input: it may be a password, or nothing that JSON can hold."""
    assert isinstance(error, RequestValidationError)
    return _answer([{part: each[part] for part in ("type", "loc", "msg")} for each in error.errors()])


async def refuse_in_words(_: Request, error: Exception) -> Response:
    """Answer in one sentence, for a person at a terminal."""
    assert isinstance(error, RequestValidationError)
    return _answer("; ".join(_in_words(each) for each in error.errors()))


def _in_words(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error['ctx']['error']}"
    field = ".".join(str(part) for part in error["loc"][1:])
    return f"{field or 'the body'}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _answer(detail: object) -> Response:
    # escaped: a lone surrogate in a field's name cannot be encoded otherwise
    return Response(json.dumps({"detail": detail}), 422, media_type="application/json")
