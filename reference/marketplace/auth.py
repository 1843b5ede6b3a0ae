"""auth: log-in, token issue and check."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import BaseModel, Field

from marketplace import tokens
from marketplace.answers import CHALLENGED, refusals
from marketplace.conditional import keep_nowhere
from marketplace.data import USERS
from marketplace.dependencies import Dependencies
from marketplace.observability import COOKIE, CURRENT
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
    routes = APIRouter(prefix="/v1", tags=["auth"], dependencies=[Depends(keep_nowhere)])

    @routes.post("/login", responses=refusals(400, 401))
    async def log_in(credentials: Credentials, response: Response) -> Token:
        """Exchange a user's name and password for a token (in this demonstration: ``<name>-secret``).

        Browsers get it as a cookie too, which their scripts cannot read.
        """
        right = hmac.compare_digest(credentials.password.encode(), f"{credentials.username}-secret".encode())
        if not right or credentials.username not in USERNAMES:
            raise HTTPException(401, "unknown user or wrong password")
        token = Token(token=tokens.issue(credentials.username, settings.token_key))
        response.set_cookie(
            COOKIE, token.token, token.expires_in, path="/v1", secure=True, httponly=True, samesite="strict"
        )
        return token

    @routes.get("/token", responses=CHALLENGED)
    async def check_token() -> Claims:
        """Check the bearer token of the request, or that of its cookie."""
        authorization = CURRENT.get().authorization
        scheme, _, token = authorization.partition(" ")
        claims = tokens.check(token, settings.token_key) if scheme.lower() == "bearer" else None
        if claims is None:
            raise HTTPException(401, "the token is not valid", headers={"WWW-Authenticate": "Bearer"})
        return Claims.model_validate(claims)

    return routes
