"""users: profiles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from marketplace.data import USERS, User
from marketplace.dependencies import Dependencies
from marketplace.settings import Settings


def router(_: Settings, dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1/users", tags=["users"])

    @routes.get("")
    async def list_users(
        limit: Annotated[int, Query(ge=1, le=100)] = 20, offset: Annotated[int, Query(ge=0)] = 0
    ) -> list[User]:
        await dependencies.require_login()
        return list(USERS.values())[offset : offset + limit]

    @routes.get("/{user_id}")
    async def read_user(user_id: int) -> User:
        await dependencies.require_login()
        if user_id not in USERS:
            raise HTTPException(404, f"there is no user {user_id}")
        return USERS[user_id]

    return routes
