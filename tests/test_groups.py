"""Services that take turns."""

from __future__ import annotations

import pytest

from seatrial.groups import groups


@pytest.mark.parametrize(("together", "turns"), [(1, ["a", "b", "c"]), (2, ["ab", "c"]), (3, ["abc"]), (4, ["abc"])])
def test_all_have_a_turn_in_their_order(together: int, turns: list[str]) -> None:
    assert list(groups("abc", together)) == turns


def test_two_at_a_time_unless_told_otherwise() -> None:
    assert [*groups(("a", "b", "c", "d")), *groups(())] == [("a", "b"), ("c", "d")]
