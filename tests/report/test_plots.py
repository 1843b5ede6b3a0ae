"""Pictures: that they are drawn, and that a timeline's caption says when what happened."""

from __future__ import annotations

import io

import pytest
from matplotlib.image import imread

from seatrial.observe.records import Moment, Request, Timeline, Traffic
from seatrial.report.plots import caption, latency_plot, spread_plot, timeline_plot

TIMELINE = Timeline("leads", 100.0, (Moment(100.0, "fault"), Moment(100.25, "first_error"), Moment(107.0, "full")))


def traffic(*answers: tuple[float, str]) -> Traffic:
    requests = (Request(at, at, at, 200 if by else 0, by, "" if by else "refused") for at, by in answers)
    return Traffic("node-a", "http://leads", True, tuple(requests))


def size(picture: bytes) -> tuple[int, int]:
    height, width, _ = imread(io.BytesIO(picture), format="png").shape
    return width, height


def test_the_caption_tells_each_moment_in_seconds_from_the_fault():
    assert caption(TIMELINE) == "leads: fault 0.0 s, first error 0.2 s, full 7.0 s"


def test_each_outage_gets_a_row():
    seen = {"leads": traffic((99.0, "leads-a"), (100.3, ""), (107.1, "leads-b"))}
    assert size(timeline_plot([TIMELINE], seen)) == (1000, 200)
    assert size(timeline_plot([TIMELINE, TIMELINE], seen)) == (1000, 400)


def test_the_requests_and_moments_are_drawn():
    bare = timeline_plot([Timeline("leads", 100.0, ())], {"leads": traffic()})
    answered = timeline_plot([Timeline("leads", 100.0, ())], {"leads": traffic((99.0, "leads-a"))})
    dated = timeline_plot([TIMELINE], {"leads": traffic((99.0, "leads-a"))})
    assert len({bare, answered, dated}) == 3


@pytest.mark.parametrize("timelines", [[], [TIMELINE]])
def test_no_traffic_is_a_picture_too(timelines: list[Timeline]):
    assert size(timeline_plot(timelines, {"leads": traffic()})) == (1000, 200)


def test_a_spread_is_drawn_also_when_nobody_answered():
    assert size(spread_plot("leads from node-a", {"leads-a": 12, "leads-b": 8}, 10, "chi-square 0.8")) == (700, 300)
    assert size(spread_plot("leads from node-a", {}, 0, "no answer")) == (700, 300)


@pytest.mark.parametrize("seconds", [{}, {"direct": []}, {"direct": [0.01, 0.02, 0.5], "through": [0.02]}])
def test_latencies_are_drawn_also_when_nobody_answered(seconds: dict[str, list[float]]):
    assert size(latency_plot("GET /v1/leads", seconds)) == (700, 400)
