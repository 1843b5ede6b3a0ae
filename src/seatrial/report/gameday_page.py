"""The page of a game day: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

TEMPLATE = Path(__file__).with_name("gameday_page.html")


def gameday_page(facts: Mapping[str, Any], picture: bytes) -> str:
    """Return the page for the content of ``gameday.json`` and the picture of the load; whatever it shows is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clock": _clock, "day": _day}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(**facts, picture=base64.b64encode(picture).decode())


def _clock(at: float | None) -> str:
    return "–" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
