"""Steps about load: at which rate declared calls are asked."""

from __future__ import annotations

import pytest

from seatrial.capabilities import Capabilities
from seatrial.system_file import parse_system
from steps.reliability import edge_rate

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: auth}]\ntolerances: {edge_rate_per_second: 300}\n", "system.yaml"
)


@pytest.mark.parametrize(
    ("promised", "rate"), [({}, 300), ({"mesh": "it has none"}, 300), ({"mesh": True}, 150)], ids=["", "none", "mesh"]
)
def test_declared_calls_are_asked_half_as_often_where_a_mesh_carries_them(promised: Capabilities, rate: float) -> None:
    assert edge_rate(SYSTEM, promised) == rate
