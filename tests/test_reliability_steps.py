"""Steps about load: at which rate requests are sent."""

from __future__ import annotations

import pytest

from seatrial.capabilities import Capabilities
from steps.reliability import borne


@pytest.mark.parametrize(
    ("promised", "rate"), [({}, 300), ({"mesh": "it has none"}, 300), ({"mesh": True}, 150)], ids=["", "none", "mesh"]
)
def test_half_as_many_requests_are_sent_where_a_mesh_carries_them(promised: Capabilities, rate: float) -> None:
    assert borne(300, promised) == rate
