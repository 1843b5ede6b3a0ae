"""Carrying out the undos that are requests to the API server."""

from __future__ import annotations

import json

import httpx

from seatrial.chaos.undo_records import ApiUndo, Outcome, Reverted
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import EnvironmentFault, GuardRefusal

ANSWER_SECONDS = 10.0
CONFLICT, NOT_FOUND = 409, 404


def send(cluster: Cluster, undo: ApiUndo) -> Reverted:
    """Send the request and tell what came of it; refused like any other change on a cluster that is not ours."""
    content = None if undo.body is None else json.dumps(undo.body).encode()
    try:
        require_owned(cluster)
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.request(undo.method, undo.path, content=content, headers={"Content-Type": undo.content_type})
    except (httpx.HTTPError, EnvironmentFault, GuardRefusal) as error:
        return Reverted(undo.note, Outcome.FAILED, " ".join(str(error).split()) or type(error).__name__)
    return judge(undo, answer)


def judge(undo: ApiUndo, answer: httpx.Response) -> Reverted:
    """Tell what an answer means: an object that is gone needs nothing, nor one that is there when it is to be made."""
    if answer.is_success:
        return Reverted(undo.note, Outcome.DONE)
    reason = status_reason(answer)
    is_there = undo.method == "POST" and answer.status_code == CONFLICT and reason == "AlreadyExists"
    if is_there or (answer.status_code == NOT_FOUND and reason == "NotFound"):
        return Reverted(undo.note, Outcome.ALREADY)
    return Reverted(undo.note, Outcome.FAILED, f"HTTP {answer.status_code} {' '.join(answer.text.split())[:200]}")


def status_reason(answer: httpx.Response) -> str:
    """Return the reason of the API server's own word (a Status); empty when a pod behind its proxy answered."""
    try:
        document = answer.json()
    except ValueError:
        return ""
    is_status = isinstance(document, dict) and document.get("kind") == "Status"
    return str(document.get("reason", "")) if is_status else ""
