"""What an overlay promises: scenarios that need more are skipped with the overlay's own reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from seatrial.errors import UsageError
from seatrial.yaml_file import read_beside

FILE = "capabilities.yaml"
Capabilities = Mapping[str, bool | str]
"""Capability to true, or to the reason why the overlay does not have it."""


def load_capabilities(overlay: Path) -> Capabilities:
    """Read the file beside an overlay's kustomization; an overlay without one promises nothing.

    Raises UsageError, which names the file and the entry, at anything but true or a reason.
    """
    path = overlay / FILE
    if not path.exists():
        return {}
    given = read_beside(path)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UsageError(f"{path}: a mapping is wanted here", remedy="write for instance 'gateway: true'")
    for name, value in given.items():
        if value is not True and not (isinstance(value, str) and value.strip()):
            raise UsageError(
                f"{path}: {name}: {value!r} is neither true nor a reason",
                remedy="give true, or say in a sentence why the overlay does not have it",
            )
    return given


def lacking(needed: Iterable[str], capabilities: Capabilities, overlay: str) -> str:
    """Return why a scenario cannot be tried on an overlay: the first that it lacks; empty when it can."""
    for name in needed:
        value = capabilities.get(name, "it does not say that it has one")
        if value is not True:
            return f"overlay {overlay} promises no {name}: {value}"
    return ""
