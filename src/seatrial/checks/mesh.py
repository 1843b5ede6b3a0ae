"""Does the mesh keep strangers out, and does everybody in it prove who he is? Each function yields what it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from seatrial.errors import Doubt, Failure
from seatrial.observe.mesh_calls import MeshCall
from seatrial.observe.plain_text import PlainAnswer
from seatrial.system_mesh import Mesh

ALLOWED, REFUSED = 200, 403
UNREACHED = "error trying to reach service: "
"""Beginning of the API server's message when it got no answer of a pod."""
CLOSED = ("EOF", "connection reset by peer", "broken pipe", "server closed idle connection")
"""How it tells (in the words of Go's net/http) that who listens closed the connection without a word of HTTP."""


def spoken(asked: PlainAnswer) -> Iterator[Failure]:
    """Yield a failure when something in a pod answers plain text: the replica itself, or a proxy before it."""
    answered = asked.status and not asked.lost  # who has lost the way may hear somebody else
    if not (asked.served_by or answered):
        return
    by = f"from {asked.served_by}" if asked.served_by else f"from no replica: {asked.body or 'no body'}"
    yield Failure(
        f"{asked.service}: replica {asked.pod} ({asked.address}:{asked.port}) speaks plain text",
        "the connection is closed: nothing is spoken but mutual TLS",
        f"HTTP {asked.status} {by}",
        window="asked by the API server, which is not in the mesh",
        hint="it has no sidecar, or that leaves this port alone, or the policy permits plain text (PERMISSIVE)"
        if asked.served_by
        else "the policy of its proxy permits plain text (PERMISSIVE): this answer is the proxy's own",
    )


def unproven_silence(services: Collection[str], asked: Collection[PlainAnswer]) -> Iterator[Doubt]:
    """Yield why a replica that answered nothing tells nothing, and each service of which nobody was asked."""
    for name in services:
        if name not in {each.service for each in asked}:
            yield Doubt(f"{name}: nobody was asked in plain text", "a ready endpoint with a port of its Service")
    for each in asked:
        subject = f"{each.service}: replica {each.pod} ({each.address}:{each.port}) and plain text"
        if each.lost:
            yield Doubt(
                subject,
                f"proof that the way leads to it: a port that the mesh leaves alone is not answered: {each.lost}",
                "see whether the sidecar leaves the trial's own ports alone (excludeInboundPorts)",
            )
        elif each.unreached and not _closed(each.unreached):
            yield Doubt(
                subject,
                f"proof that it closed the connection itself: {each.unreached}",
                "see whether it listens on this port, and what drops packets on the way",
            )


def _closed(words: str) -> bool:
    _, reached, why = words.partition(UNREACHED)
    return bool(reached) and any(each in why for each in CLOSED)


def not_refused(call: MeshCall) -> Iterator[Failure]:
    """Yield a failure unless a call that nobody declares is refused."""
    status = call.answer.status
    if call.answer.error or status != REFUSED:
        answered = not call.answer.error and status < 400
        yield Failure(
            f"{call.caller} → {call.callee}: who may not call is {'answered' if answered else 'not refused as such'}",
            f"HTTP {REFUSED}: the call is not declared",
            call.told(),
            window=f"asked from beside {call.pod}",
            hint=f"{call.callee} has no policy, or one that is too wide"
            if answered
            else "the call fails, but it is not a policy that refuses it",
        )


def shut_out(call: MeshCall) -> Iterator[Failure]:
    """Yield a failure unless a declared call is answered."""
    status = call.answer.status
    if call.answer.error or status != ALLOWED:
        refused = not call.answer.error and status == REFUSED
        yield Failure(
            f"{call.caller} → {call.callee}: a declared call is {'refused' if refused else 'not answered'}",
            f"HTTP {ALLOWED}",
            call.told(),
            window=f"asked from beside {call.pod}",
            hint=f"the policy of {call.callee} is too narrow, or {call.caller} runs under another service account"
            if refused
            else f"no replica of {call.callee} is reached, or one of the two has no sidecar",
        )


def mistaken(call: MeshCall, mesh: Mesh, namespace: str, accounts: Mapping[str, str]) -> Iterator[Failure]:
    """Yield a failure unless the callee knows both identities; ``accounts`` maps service to its service account."""
    fields = {mesh.caller_field: call.caller, mesh.callee_field: call.callee}
    expected = {field: mesh.identity(namespace, accounts[name]) for field, name in fields.items()}
    told = _fields(call) if call.answer.status == ALLOWED else {}
    seen = {field: told.get(field) for field in fields}
    if seen != expected:
        yield Failure(
            f"{call.caller} → {call.callee}: the callee does not know who asks whom",
            _pairs(expected),
            _pairs(seen) if told else call.told(),
            window=f"asked from beside {call.pod}, with a forged identity in the header",
            hint=_hint(call, seen, mesh) if told else "",
        )


def _fields(call: MeshCall) -> Mapping[str, Any]:
    try:
        told = call.answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _pairs(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {value or 'nobody'}" for field, value in fields.items())


def _hint(call: MeshCall, seen: Mapping[str, Any], mesh: Mesh) -> str:
    if not all(seen.values()):
        return "the request did not come by mutual TLS, or the replica does not tell what its proxy says of it"
    return f"another service account or trust domain than that of {call.caller} or {call.callee}, or a forgery believed"
