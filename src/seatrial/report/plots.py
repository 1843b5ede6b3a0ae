"""Pictures of what was measured, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.observe.records import Request, Timeline, Traffic


def spread_plot(title: str, counts: Mapping[str, int], expected: float, note: str) -> bytes:
    """Return bars per replica with the expectation line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(counts), list(counts.values()))
    axes.axvline(expected, color="black", linestyle="--")
    axes.set_title(f"{title}\n{note}", fontsize=9)
    return as_png(figure)


def timeline_plot(timelines: Sequence[Timeline], traffic: Mapping[str, Traffic]) -> bytes:
    """Return one row per subject: who answered when, what failed, and the moments; in seconds from the fault."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2 * max(len(timelines), 1)), layout="constrained")
    rows = figure.subplots(max(len(timelines), 1), squeeze=False)[:, 0]
    for axes, timeline in zip(rows, timelines, strict=False):
        _draw(axes, timeline, traffic[timeline.subject])
    rows[-1].set_xlabel("seconds from the fault", fontsize=8)
    return as_png(figure)


def latency_plot(title: str, seconds: Mapping[str, Sequence[float]]) -> bytes:
    """Return one line per kind of request: which part of them took longer than so many milliseconds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    answered = {name: sorted(values) for name, values in seconds.items() if values}
    for name, ordered in answered.items():
        slower = [1 - number / len(ordered) for number in range(len(ordered))]
        axes.step([1000 * each for each in ordered], slower, where="post", label=name)
    axes.set(xscale="log", yscale="log", xlabel="milliseconds from when it was due", ylabel="part that took longer")
    axes.set_title(title, fontsize=9)
    if answered:
        axes.legend(fontsize=7)
    return as_png(figure)


def caption(timeline: Timeline) -> str:
    """Return the subject and its moments in words; beside their lines, which lie close together, they would collide."""
    moments = (f"{each.what.replace('_', ' ')} {each.at - timeline.fault_at:.1f} s" for each in timeline.moments)
    return f"{timeline.subject}: {', '.join(moments)}"


def _draw(axes: Any, timeline: Timeline, traffic: Traffic) -> None:
    for replica in sorted(traffic.answers()):
        _dots(axes, timeline, [each for each in traffic.requests if each.ok and each.served_by == replica], replica)
    _dots(axes, timeline, traffic.failed, "failed", "rx")
    for moment in timeline.moments:
        axes.axvline(moment.at - timeline.fault_at, color="grey", linewidth=0.5)
    axes.set_title(caption(timeline), fontsize=8, loc="left")
    axes.tick_params(labelsize=7)


def _dots(axes: Any, timeline: Timeline, requests: Sequence[Request], row: str, style: str = ".") -> None:
    axes.plot([each.start - timeline.fault_at for each in requests], [row] * len(requests), style, markersize=3)


def as_png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
