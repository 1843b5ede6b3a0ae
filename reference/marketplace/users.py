"""users: profiles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from marketplace.answers import CHALLENGED, KEPT, refusals
from marketplace.conditional import keep_nowhere
from marketplace.data import USERS, User
from marketplace.dependencies import Dependencies
from marketplace.origin import WayIn, way_in
from marketplace.settings import Settings


def router(_: Settings, dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1/users", tags=["users"], responses=CHALLENGED | refusals(502))

    @routes.get("", responses=KEPT)
    async def list_users(
        limit: Annotated[int, Query(ge=1, le=100)] = 20, offset: Annotated[int, Query(ge=0)] = 0
    ) -> list[User]:
        await dependencies.require_login()
        return list(USERS.values())[offset : offset + limit]

    @routes.get("/me/session", dependencies=[Depends(keep_nowhere)])
    async def read_session(request: Request) -> WayIn:
        """Tell customers from where they came in, so that they see when it was somebody else."""
        await dependencies.require_login()
        return way_in(request)

    @routes.get("/{user_id}", responses=KEPT | refusals(404))
    async def read_user(user_id: int) -> User:
        await dependencies.require_login()
        if user_id not in USERS:
            raise HTTPException(404, f"there is no user {user_id}")
        return USERS[user_id]

    return routes
