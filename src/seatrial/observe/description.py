"""What a service says of its own interface."""

from __future__ import annotations

from typing import Any

from seatrial.errors import Failed, Failure
from seatrial.observe.calls import call_service
from seatrial.observe.vantage import Vantage
from seatrial.system import Service, System
from seatrial.system_values import Call


def observe_description(vantage: Vantage, system: System, service: Service) -> dict[str, Any]:
    """Return the OpenAPI description that a service gives inside the cluster; raises Failed when it gives none."""
    call = Call(path=service.openapi or "")
    answer = call_service(vantage, system, service, call)
    try:
        document = answer.json()
        good = answer.status == 200 and all(isinstance(item, dict) for item in document["paths"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise Failed(
            Failure(
                f"{service.name} ({answer.url}): it does not describe itself",
                "HTTP 200 with an OpenAPI document",
                f"no answer: {answer.error}" if answer.error else f"HTTP {answer.status}: {answer.body[:200]}",
            )
        )
    found: dict[str, Any] = document
    return found
