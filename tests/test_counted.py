"""How often things were seen, in the words of a failure."""

from __future__ import annotations

from collections import Counter

from seatrial.counted import counted


def test_each_kind_is_told_with_its_number_in_the_given_order() -> None:
    kinds = Counter({"reset": 1, "refused": 1067})
    assert counted(kinds.most_common()) == "1,067 × refused, 1 × reset"
    assert counted(sorted(kinds.items(), reverse=True)) == "1 × reset, 1,067 × refused"


def test_nothing_is_told_as_none() -> None:
    assert counted([]) == "none"
