"""leads: what customers ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from marketplace.answers import CHALLENGED, KEPT, refusals
from marketplace.data import LEADS, Lead
from marketplace.dependencies import Dependencies
from marketplace.settings import Settings


class Wish(BaseModel):
    """A lead as it is sent in."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(min_length=1, max_length=50)]
    city: Annotated[str, Field(min_length=1, max_length=100)]
    user_id: Annotated[int, Field(ge=1)]


class Accepted(BaseModel):
    status: str = "accepted"
    lead: Wish


class LeadWithUser(Lead):
    user: str


def router(_: Settings, dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1/leads", tags=["leads"], responses=CHALLENGED | refusals(502))

    @routes.get("", responses=KEPT)
    async def list_leads(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
        city: str | None = None,
    ) -> list[Lead]:
        await dependencies.require_login()
        found = [lead for lead in LEADS.values() if city in (None, lead.city)]
        return found[offset : offset + limit]

    @routes.get("/{lead_id}", responses=KEPT | refusals(404))
    async def read_lead(lead_id: int) -> LeadWithUser:
        await dependencies.require_login()
        if lead_id not in LEADS:
            raise HTTPException(404, f"there is no lead {lead_id}")
        lead = LEADS[lead_id]
        user = await dependencies.get("users", f"/v1/users/{lead.user_id}")
        return LeadWithUser(**lead.model_dump(), user=user["name"])

    @routes.post("", status_code=202, responses=refusals(400, 403, 404, 409))
    async def create_lead(wish: Wish) -> Accepted:
        """Accept a lead of the caller's own; nothing is stored, for this system is about traffic."""
        claims = await dependencies.require_login()
        user = await dependencies.get("users", f"/v1/users/{wish.user_id}")
        if user["username"] != claims["sub"]:
            raise HTTPException(403, f"{claims['sub']} may not create a lead for user {wish.user_id}")
        if any(
            (lead.user_id, lead.title, lead.city) == (wish.user_id, wish.title, wish.city) for lead in LEADS.values()
        ):
            raise HTTPException(409, f"user {wish.user_id} has asked for {wish.title!r} in {wish.city} already")
        return Accepted(lead=wish)

    return routes
