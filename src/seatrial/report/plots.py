"""Pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.observe.records import Timeline, Traffic


def spread_plot(title: str, counts: Mapping[str, int], expected: float, note: str) -> bytes:
    """Return bars per replica with the expectation line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(counts), list(counts.values()))
    axes.axvline(expected, color="black", linestyle="--")
    axes.set_title(f"{title}\n{note}", fontsize=9)
    return _png(figure)


def timeline_plot(timelines: Sequence[Timeline], traffic: Mapping[str, Traffic]) -> bytes:
    """Return one row per subject."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2 * max(len(timelines), 1)), layout="constrained")
    return _png(figure)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
