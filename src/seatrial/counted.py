"""How often things were seen, in the words of a failure."""

from __future__ import annotations

from collections.abc import Iterable


def counted(kinds: Iterable[tuple[str, int]]) -> str:
    """Say how many there were of each kind, in the given order: ``67 × refused, 1 × reset``; ``none`` of nothing."""
    return ", ".join(f"{number:,} × {kind}" for kind, number in kinds) or "none"
