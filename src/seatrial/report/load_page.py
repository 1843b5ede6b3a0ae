"""The page of a load: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

TEMPLATE = Path(__file__).with_name("load_page.html")


def load_page(facts: Mapping[str, Any], picture: bytes) -> str:
    """Return the page for the content of ``load.json`` and the picture of the load; whatever it shows is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "percent": _percent}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(**facts, whole=facts["all"], picture=base64.b64encode(picture).decode())


def _number(value: float | None, digits: int = 0) -> str:
    """Return a number as a reader wants it; a dash for what is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    """Return a ratio in per cent, never rounded up to a hundred."""
    if value is None:
        return "–"
    return "100 %" if value == 1 else f"{min(100 * value, 99.999):.3f} %"
