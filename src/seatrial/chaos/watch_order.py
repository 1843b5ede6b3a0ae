"""What a watchdog is told when it is started, and what it tells: two small files beside the undo log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from seatrial.chaos.processes import Process
from seatrial.cluster.client import Cluster
from seatrial.cluster.opt_in import opt_in
from seatrial.system import System

RESULT = "watchdog.json"
"""File in which a watchdog tells how things stand."""
WORD = b"healed\n"
"""What a runner says that leaves nothing to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to watch, and what to do when it is gone."""

    runner: Process
    kubeconfig: str
    kubectl: str
    context: str | None
    system: str
    """The description of the system, as JSON."""
    undo: str
    """File of the undo log; the experiment's processes carry its name in their environment."""
    dead_man: str
    """Name of the dead man in the cluster."""
    within_seconds: float
    typed: str = ""
    """The context's name as a person typed it, where the cluster was not created here."""

    @property
    def cluster(self) -> Cluster:
        said = opt_in(self.described_system(), self.typed) if self.typed else None
        return Cluster(Path(self.kubeconfig), Path(self.kubectl), self.context, said)

    def described_system(self) -> System:
        """Return the system as the runner knew it."""
        return System.model_validate_json(self.system)

    def write(self, file: Path) -> None:
        """Write it for the watchdog to read."""
        _write_whole(file, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Order:
        """Read what the runner wrote."""
        given = json.loads(file.read_text(encoding="utf-8"))
        return cls(**{**given, "runner": Process(**given["runner"])})


class State(StrEnum):
    """How things stand with a watchdog."""

    WATCHING = "watching"
    DISMISSED = "dismissed"
    """The runner put everything back itself."""
    HEALING = "healing"
    HEALED = "healed"
    NOT_HEALED = "not healed"


ENDED = frozenset({State.DISMISSED, State.HEALED, State.NOT_HEALED})


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watchdog tells; times are Unix seconds."""

    state: State
    pid: int
    runner: int
    gone_at: float = 0.0
    """When the runner's end was seen."""
    ended_at: float = 0.0
    stopped: tuple[int, ...] = ()
    """Processes of the experiment that were still there."""
    reverted: tuple[str, ...] = ()
    """Each undo of the log and what became of it."""
    healed: tuple[str, ...] = ()
    """What was found beside the log, and what became of it."""
    dead_man: str = ""
    """What the dead man in the cluster told before it was removed, as JSON; empty when it had not acted."""
    missing: str = ""
    """Why the system is not healed."""

    def write(self, file: Path) -> None:
        """Write it whole or not at all."""
        _write_whole(file, asdict(self))

    def now(self, **fields: Any) -> Watch:
        """Return it with some fields changed."""
        return replace(self, **fields)


def read_watch(file: Path) -> Watch | None:
    """Return what a watchdog told last; None when it has told nothing yet."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    lists = {name: tuple(given[name]) for name in ("stopped", "reverted", "healed")}
    return Watch(**{**given, **lists, "state": State(given["state"])})


def _write_whole(file: Path, document: dict[str, Any]) -> None:
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    beside.rename(file)
