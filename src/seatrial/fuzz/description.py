"""The OpenAPI description of a service, and what of it customers reach through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from seatrial.system_gateway import Gateway, Route

Description = Mapping[str, Any]
"""A decoded OpenAPI document."""
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def routed(description: Description, gateway: Gateway, service: str) -> Description:
    """Return the description without the paths that no route of the gateway leads to at this service."""
    led = {path: item for path, item in description["paths"].items() if _route(description, gateway, service, path)}
    return {**description, "paths": led}


def paces(description: Description, gateway: Gateway, service: str) -> dict[str, int]:
    """Return path to requests a second, for the paths whose route has a quota.

    Half of the quota, as customers get it in the scenario of the quota: whatever refuses them then is not the quota.
    """
    routes = {path: _route(description, gateway, service, path) for path in description["paths"]}
    return {path: max(1, route.quota.per_second // 2) for path, route in routes.items() if route and route.quota}


def operations(description: Description) -> tuple[str, ...]:
    """Return what is described: ``GET /v1/users``."""
    return tuple(
        f"{method.upper()} {path}"
        for path, item in description["paths"].items()
        for method in METHODS
        if method in item
    )


def base_path(description: Description) -> str:
    """Return the path below which the description's paths lie, by its first server; mostly empty."""
    servers = description.get("servers") or [{}]
    return urlsplit(str(servers[0].get("url", ""))).path.rstrip("/")


def _route(description: Description, gateway: Gateway, service: str, path: str) -> Route | None:
    route = gateway.route(base_path(description) + path)
    return route if route and route.service == service else None
