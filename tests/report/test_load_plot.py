"""The picture of a load: that everything it is made of is drawn."""

from __future__ import annotations

import io

from matplotlib.image import imread

from seatrial.load.phases import Phase
from seatrial.load.records import LoadRecord, LoadRequest
from seatrial.report.load_plot import load_plot


def record(error: str = "", seconds: float = 0.02) -> LoadRecord:
    return LoadRecord(tuple(LoadRequest(100.0 + n, seconds, "look", 200, error, "") for n in range(20)))


def test_throughput_errors_latency_and_phases_each_change_the_picture() -> None:
    fault = Phase("kill", 105.0, 110.0)
    drawn = [
        load_plot(LoadRecord(())),
        load_plot(record()),
        load_plot(record(error="reset")),
        load_plot(record(seconds=0.5)),
        load_plot(record(), [fault]),
        load_plot(record(), [Phase("kill", 105.0, 112.0)]),
    ]
    assert len(set(drawn)) == len(drawn)
    assert imread(io.BytesIO(drawn[0]), format="png").shape[:2] == (700, 1000)


def test_the_time_before_and_after_is_not_shaded() -> None:
    assert load_plot(record(), [Phase("before", 100.0, 105.0, False)]) == load_plot(record())
