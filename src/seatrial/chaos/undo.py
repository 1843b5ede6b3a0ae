"""What puts a fault back, noted before the fault is done: whoever finds the note can undo it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

UNDO = "SEATRIAL_UNDO"


@dataclass(frozen=True)
class ApiUndo:
    """One API request that puts one thing back; may be repeated."""

    method: str
    path: str
    body: dict[str, Any] | list[Any] | None
    content_type: str
    note: str


@dataclass(frozen=True)
class NodeUndo:
    """One thing that is put back on a node of a kind cluster, from outside; may be repeated."""

    node: str
    verb: str
    """unpause, start, continue (a container), uncover (our packet rules, by their comment), start-kubelet."""
    argument: str
    note: str


def record(undo: ApiUndo | NodeUndo) -> None:
    """Append it to the file that the environment names, for good; nothing when it names none."""
    file = os.environ.get(UNDO)
    if not file:
        return
    with Path(file).open("a", encoding="utf-8") as log:
        log.write(json.dumps({"kind": type(undo).__name__, **asdict(undo)}) + "\n")
        log.flush()
        os.fsync(log.fileno())
