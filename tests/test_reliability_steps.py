"""Steps about load: at which rate calls and routes are asked."""

from __future__ import annotations

import pytest

from seatrial.capabilities import Capabilities
from steps.reliability import carried


@pytest.mark.parametrize(
    ("promised", "rate"), [({}, 300), ({"mesh": "it has none"}, 300), ({"mesh": True}, 150)], ids=["", "none", "mesh"]
)
def test_requests_are_sent_half_as_often_where_a_mesh_carries_them(promised: Capabilities, rate: float) -> None:
    assert carried(300, promised) == rate
