"""Which scenarios wait for the night: those that take minutes. By night those are left out that longer ones cover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from seatrial.report.features import SCENARIO

NIGHTLY = "nightly"
DAILY = "daily"


def is_left_out(item: pytest.Item, tag: str, here: Path, arguments: Sequence[str]) -> bool:
    """Tell whether a scenario has this tag, and is none that the command line names by its id."""
    if SCENARIO not in item.stash or item.get_closest_marker(tag) is None:
        return False
    return not any(_names(argument, item, here) for argument in arguments)


def _names(argument: str, item: pytest.Item, here: Path) -> bool:
    path, _, test = argument.partition("::")
    return bool(test) and (here / path).resolve() == item.path and test in (item.name, item.name.partition("[")[0])
