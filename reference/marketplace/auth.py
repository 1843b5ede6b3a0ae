"""auth: log-in, token issue and check."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException
from pydantic import BaseModel, Field

from marketplace import tokens
from marketplace.data import USERS
from marketplace.dependencies import Dependencies
from marketplace.settings import Settings

USERNAMES = frozenset(user.username for user in USERS.values())


class Credentials(BaseModel):
    # the bound also refuses text that cannot be encoded, such as a lone surrogate
    username: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=200)]


class Token(BaseModel):
    token: str
    expires_in: int = tokens.LIFETIME_SECONDS


class Claims(BaseModel):
    sub: str
    exp: int


def router(settings: Settings, _: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["auth"])

    @routes.post("/login")
    async def log_in(credentials: Credentials) -> Token:
        """Exchange a user's name and password for a token (in this demonstration: ``<name>-secret``)."""
        right = hmac.compare_digest(credentials.password.encode(), f"{credentials.username}-secret".encode())
        if not right or credentials.username not in USERNAMES:
            raise HTTPException(401, "unknown user or wrong password")
        return Token(token=tokens.issue(credentials.username, settings.token_key))

    @routes.get("/token")
    async def check_token(authorization: Annotated[str, Header()] = "") -> Claims:
        """Check the bearer token of the request."""
        scheme, _, token = authorization.partition(" ")
        claims = tokens.check(token, settings.token_key) if scheme.lower() == "bearer" else None
        if claims is None:
            raise HTTPException(401, "the token is not valid", headers={"WWW-Authenticate": "Bearer"})
        return Claims.model_validate(claims)

    return routes
