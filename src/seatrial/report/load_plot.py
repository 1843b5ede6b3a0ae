"""The picture of a load: throughput, errors and latency over time, with the phases of a fault shaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seatrial.load.phases import Phase
from seatrial.load.records import LoadRecord
from seatrial.load.series import Slice, slices
from seatrial.report.plots import as_png

SHADES = ("tab:red", "tab:orange", "tab:purple", "tab:olive", "tab:cyan", "tab:pink", "tab:brown", "tab:green")
MOST_KINDS = 5
"""Kinds of errors with a line of their own: the most frequent."""


def load_plot(record: LoadRecord, phases: Sequence[Phase] = ()) -> bytes:
    """Return three rows over seconds from the first request; a phase is shaded when it is one of a fault."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    rows = figure.subplots(3, sharex=True)
    seen = slices(record)
    _draw(rows, [each.at for each in seen], seen)
    if record.requests:
        _shade(rows, phases, record.requests[0].start)
    rows[-1].set_xlabel("seconds from the first request", fontsize=8)
    for axes in rows:
        axes.tick_params(which="both", labelsize=7)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))  # beside, not over, what it explains
    return as_png(figure)


def _draw(rows: Sequence[Any], at: Sequence[float], seen: Sequence[Slice]) -> None:
    throughput, errors, latency = rows
    throughput.plot(at, [each.per_second for each in seen], color="tab:blue")
    throughput.set_ylabel("requests a second", fontsize=8)
    throughput.set_ylim(bottom=0)
    for kind in _kinds(seen):
        errors.plot(at, [each.errors_per_second.get(kind, 0.0) for each in seen], label=kind)
    errors.set_ylabel("errors a second", fontsize=8)
    errors.set_ylim(bottom=0)
    for name in ("p50", "p95", "p99"):
        latency.plot(at, [getattr(each, f"{name}_ms") for each in seen], label=name)
    latency.set_ylabel("milliseconds", fontsize=8)
    latency.set_yscale("log")
    for plain in (latency.yaxis.set_major_formatter, latency.yaxis.set_minor_formatter):
        plain("{x:g}")


def _kinds(seen: Sequence[Slice]) -> list[str]:
    total: Counter[str] = Counter()
    for each in seen:
        total.update({kind: round(1000 * rate) for kind, rate in each.errors_per_second.items()})
    return [kind for kind, _ in total.most_common(MOST_KINDS)]


def _shade(rows: Sequence[Any], phases: Sequence[Phase], first: float) -> None:
    """Shade what a fault's phases cover, and name them once."""
    faults = [phase for phase in phases if phase.is_fault]
    for number, phase in enumerate(faults):
        colour = SHADES[number % len(SHADES)]
        for axes in rows:
            label = phase.name if axes is rows[0] else None
            axes.axvspan(phase.start - first, phase.end - first, color=colour, alpha=0.2, linewidth=0, label=label)
