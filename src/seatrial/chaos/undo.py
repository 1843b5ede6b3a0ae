"""The undo log: what an experiment did is written down before it is done, by whoever does it, and can be put back.

It is a file of lines beside the journal, and, for what can be put back by the API server alone, a ConfigMap in the
cluster. So it outlives the experiment, its runner, and the machine that both ran on.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx

from seatrial.chaos.surroundings import UNDO, cluster_here
from seatrial.chaos.undo_api import ANSWER_SECONDS, send
from seatrial.chaos.undo_node import act
from seatrial.chaos.undo_records import (
    JSON_PATCH,
    MERGE,
    PLAIN,
    ApiUndo,
    NodeUndo,
    Outcome,
    Reverted,
    Undo,
    line_of,
    undo_of,
)
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.waiting import looks

__all__ = ["JSON_PATCH", "MERGE", "PLAIN", "ApiUndo", "NodeUndo", "Outcome", "Reverted", "read", "record", "revert"]

CONFIG_MAP = "SEATRIAL_UNDO_CONFIGMAP"
REVERT_SECONDS = 60.0
"""How long what fails at first is tried again: an API server may still be starting, a replica may be restarted."""
EVERY_SECONDS = 2.0


def record(undo: Undo) -> None:
    """Write down how to put back what is about to be done; call it before the harm.

    Where no log was asked for (``SEATRIAL_UNDO`` is unset: a plain ``chaos run``) nothing is written. Raises
    EnvironmentFault when it cannot be written: then the harm must not be done.
    """
    file = os.environ.get(UNDO)
    if not file:
        return
    _append(Path(file), line_of(undo))
    place = os.environ.get(CONFIG_MAP)
    if place and isinstance(undo, ApiUndo):
        _add_to_config_map(cluster_here(), place, line_of(undo))


def _append(file: Path, line: str) -> None:
    """Append in one write, and have it on the disk before this returns."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EnvironmentFault(f"the undo log {file} cannot be written: {error.strerror}") from error


def _add_to_config_map(cluster: Cluster, place: str, line: str) -> None:
    """Add an entry under a key of its own, which sorts by time: who writes at the same time is not overwritten."""
    namespace, _, name = place.partition("/")
    key = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.patch(path, json={"data": {key: line}}, headers={"Content-Type": MERGE})
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"the undo log in ConfigMap {place} cannot be written: {error!r}") from error
    if not answer.is_success:
        told = f"HTTP {answer.status_code} {answer.text[:200]}"
        raise EnvironmentFault(f"the undo log in ConfigMap {place} cannot be written: {told}")


def read(file: Path) -> tuple[tuple[Undo, ...], tuple[Reverted, ...]]:
    """Return the undos in order, and what cannot be read, as failures.

    A last line without an end is left out: who wrote it did not get to do the harm. So is a file that is not there.
    """
    if not file.exists():
        return (), ()
    undos: list[Undo] = []
    unread = []
    whole, _, _ = file.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            undos.append(undo_of(line))
        except ValueError as error:
            unread.append(Reverted(f"line {number} of {file.name}", Outcome.FAILED, str(error)))
    return tuple(undos), tuple(unread)


def revert(cluster: Cluster, file: Path, *, within_seconds: float = REVERT_SECONDS) -> tuple[Reverted, ...]:
    """Put everything back that a log names, the last first, and tell what became of each; may be repeated at will."""
    undos, unread = read(file)
    return (*carry_out_all(cluster, undos[::-1], within_seconds=within_seconds), *unread)


def carry_out_all(cluster: Cluster, undos: Sequence[Undo], *, within_seconds: float) -> tuple[Reverted, ...]:
    """Carry out undos in order, again from the first that failed on until none does or the bound is over.

    Also those after a failed one are done again: two of them may concern the same thing, and the last one has to win.
    """
    results: list[Reverted | None] = [None] * len(undos)
    for _ in looks(within_seconds, EVERY_SECONDS):
        for index in range(_first_open(results), len(undos)):
            latest, before = carry_out(cluster, undos[index]), results[index]
            results[index] = latest if before is None or before.outcome is Outcome.FAILED else before
        if _first_open(results) == len(undos):
            break
    return tuple(each for each in results if each)


def _first_open(results: Sequence[Reverted | None]) -> int:
    still = (index for index, each in enumerate(results) if each is None or each.outcome is Outcome.FAILED)
    return next(still, len(results))


def carry_out(cluster: Cluster, undo: Undo) -> Reverted:
    """Carry out one undo; whatever hinders it is told, not raised."""
    return act(undo) if isinstance(undo, NodeUndo) else send(cluster, undo)
