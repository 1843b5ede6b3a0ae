"""buyers: who may want a lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from marketplace.answers import CHALLENGED, KEPT, refusals
from marketplace.data import BUYERS, Buyer
from marketplace.dependencies import Dependencies
from marketplace.settings import Settings


class MatchRequest(BaseModel):
    lead_id: Annotated[int, Field(ge=1)]


class Match(BaseModel):
    lead_id: int
    customer: str
    buyers: list[Buyer]


def router(_: Settings, dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1/buyers", tags=["buyers"], responses=CHALLENGED | refusals(502))

    @routes.get("", responses=KEPT)
    async def list_buyers(
        limit: Annotated[int, Query(ge=1, le=100)] = 20, offset: Annotated[int, Query(ge=0)] = 0
    ) -> list[Buyer]:
        await dependencies.require_login()
        return list(BUYERS.values())[offset : offset + limit]

    @routes.post("/match", responses=refusals(400, 404))
    async def match(request: MatchRequest) -> Match:
        """Find the buyers for a lead; the customer's name comes from users."""
        lead = await dependencies.get("leads", f"/v1/leads/{request.lead_id}")
        user = await dependencies.get("users", f"/v1/users/{lead['user_id']}")
        fits = [
            buyer for buyer in BUYERS.values() if buyer.category == lead["category"] and lead["city"] in buyer.cities
        ]
        return Match(lead_id=request.lead_id, customer=user["name"], buyers=fits)

    return routes
