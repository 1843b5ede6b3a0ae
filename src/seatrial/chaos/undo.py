"""What puts things back, written down before the harm is done."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

UNDO = "SEATRIAL_UNDO"


@dataclass(frozen=True)
class ApiUndo:
    """One request to the API server that puts one thing back; doing it twice does no harm."""

    method: str
    path: str
    body: dict[str, Any] | list[Any] | None
    content_type: str
    note: str


@dataclass(frozen=True)
class NodeUndo:
    """One act on a node that puts one thing back; doing it twice does no harm."""

    node: str
    verb: str
    argument: str
    note: str


def record(undo: ApiUndo | NodeUndo) -> None:
    """Append it to the file that the environment names; do nothing when it names none."""
    if not os.environ.get(UNDO):
        return
    with Path(os.environ[UNDO]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": type(undo).__name__, **asdict(undo)}) + "\n")
        file.flush()
        os.fsync(file.fileno())
