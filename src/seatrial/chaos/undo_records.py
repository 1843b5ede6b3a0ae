"""What puts one thing back: a request to the API server, or one of a few acts on a node. As data, and as lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from seatrial.errors import UsageError

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PLAIN = "application/json"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
PATH = re.compile(r"/apis?/[A-Za-z0-9/._:~=&?,%-]+")
NODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
NOTHING = re.compile(r"")
VERBS: Mapping[str, re.Pattern[str]] = {
    "unpause": NOTHING,
    "start": NOTHING,
    "connect": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"),
    "continue": re.compile(r"([0-9a-f]{12,64})?"),
    "uncover": re.compile(r"(seatrial([ :][A-Za-z0-9 :_./-]{0,200})?)?"),
    "end-stress": NOTHING,
    "start-kubelet": NOTHING,
    "start-kube-proxy": NOTHING,
    "forget": NOTHING,
}
"""The closed list of acts on a node, each with the form of its argument: the engine's network, the id of a container
(all processes of the node when empty), the comment of iptables rules (all of ours when empty)."""


@dataclass(frozen=True)
class ApiUndo:
    """One request to the API server that puts one thing back; sent twice, it does no more than once.

    Raises UsageError for a request that is none.
    """

    method: str
    path: str
    body: dict[str, Any] | list[Any] | None
    content_type: str
    note: str
    """What it puts back, for a reader: ``uncordon seatrial-worker``."""

    def __post_init__(self) -> None:
        if self.method not in METHODS or not PATH.fullmatch(self.path) or ".." in self.path:
            raise UsageError(f"no request that undoes something: {self.method} {self.path}")


@dataclass(frozen=True)
class NodeUndo:
    """One act on a node, from outside, that puts one thing back; done twice, it does no more than once.

    Raises UsageError for a verb that is not in the list, or an argument that does not have its form.
    """

    node: str
    verb: str
    argument: str
    note: str

    def __post_init__(self) -> None:
        if not NODE.fullmatch(self.node) or self.verb not in VERBS or not VERBS[self.verb].fullmatch(self.argument):
            told = f"{self.verb!r} with argument {self.argument!r} on node {self.node!r}"
            raise UsageError(f"no act that undoes something: {told}", remedy=f"use one of {', '.join(VERBS)}")


Undo = ApiUndo | NodeUndo


class Outcome(StrEnum):
    """What became of one undo."""

    DONE = "done"
    ALREADY = "was already so"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reverted:
    """One undo that was carried out, or was to be."""

    what: str
    """The undo's note."""
    outcome: Outcome
    reason: str = ""
    """Why it failed, in one line."""

    def __str__(self) -> str:
        return f"{self.what}: {self.outcome}{f': {self.reason}' if self.reason else ''}"


def line_of(undo: Undo) -> str:
    """Return an undo as one line of JSON, without the line's end."""
    return json.dumps({"kind": "node" if isinstance(undo, NodeUndo) else "api", **asdict(undo)})


def undo_of(line: str) -> Undo:
    """Return the undo that a line holds; raises ValueError when it holds none."""
    try:
        given = json.loads(line)
        kind = given.pop("kind")
        if kind not in ("api", "node"):
            raise KeyError(kind)
        return ApiUndo(**given) if kind == "api" else NodeUndo(**given)
    except (ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise ValueError(f"no undo: {error}") from error
