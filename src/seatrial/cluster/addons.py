"""What an overlay stands on beside the cluster itself, such as a mesh: acquired only when it is asked for."""

from __future__ import annotations

from pathlib import Path

from seatrial.cluster.components import components
from seatrial.errors import UsageError
from seatrial.yaml_file import read_beside

FILE = "addons.yaml"


def load_addons(overlay: Path) -> tuple[str, ...]:
    """Read the file beside an overlay's kustomization; an overlay without one needs none.

    Raises UsageError, which names the file, at anything but a list of add-ons that exist.
    """
    path = overlay / FILE
    if not path.exists():
        return ()
    given = read_beside(path)
    known = sorted(components().addons)
    if not isinstance(given, list) or any(each not in known for each in given):
        raise UsageError(f"{path}: {given!r} is no list of add-ons", remedy=f"give for instance [{', '.join(known)}]")
    return tuple(dict.fromkeys(given))
