"""Does a service answer as it describes itself? Each function yields the failures that it finds."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.errors import Doubt, Failure
from seatrial.fuzz.records import COMPLETE, Deviation, FuzzRecord

EXPECTED = {
    "": "an answer",
    "not_a_server_error": "no server error",
    "status_code_conformance": "a status that the description lists",
    "content_type_conformance": "a content type that the description lists",
    "response_schema_conformance": "a body as the description says",
    "response_headers_conformance": "the headers that the description says",
    "negative_data_rejection": "a refusal of what the description does not allow",
}
"""By the name of Schemathesis' check; without a name: there was no answer."""
UNEXPECTED_REFUSALS = {
    413: "the gateway refuses requests of a size that the service would take",
    429: "a limit of the gateway below the declared quota, or one that nobody declared",
    502: "a service does not answer: the one behind the gateway, or one that it calls",
    503: "the gateway has no replica to ask",
    504: "a replica did not answer in time",
}
LONGEST_SHOWN = 200
MOST_LINES = 6


def undescribed(record: FuzzRecord, evidence: str = "") -> Iterator[Failure]:
    """Yield each kind of answer that is not as described, with the shortest request that got it."""
    for each in record.deviations:
        yield Failure(
            f"{record.service}: {each.operation} does not answer as described",
            EXPECTED.get(each.check, each.check),
            _observed(each),
            details=(*_told(each), *([each.request] if each.request else [])),
            hint=UNEXPECTED_REFUSALS.get(each.status, ""),
            evidence=evidence,
        )


def unfinished(record: FuzzRecord) -> Iterator[Doubt]:
    """Yield a doubt when there was no time to try everything."""
    if record.ended != COMPLETE and not record.unusable:
        answered = sum(bool(each.cases) for each in record.tried)
        yield Doubt(
            f"{record.service}: not every described operation was tried to the end",
            f"the end of the generated requests in time ({answered} of {len(record.tried)} operations got answers"
            f"{f'; it ended as {record.ended!r}' if record.ended else ''})",
            "raise tolerances.fuzz_seconds, or lower tolerances.fuzz_examples",
        )


def untried(record: FuzzRecord, evidence: str = "") -> Iterator[Failure]:
    """Yield a failure when the description is of no use, or when a run to its end left an operation out."""
    if record.unusable:
        yield Failure(
            f"{record.service}: its description cannot be used",
            "an OpenAPI document",
            _cut(record.unusable),
            evidence=evidence,
        )
        return
    missing = [each.operation for each in record.tried if not each.cases]
    if record.ended == COMPLETE and (missing or not record.tried):
        yield Failure(
            f"{record.service}: not every described operation was tried",
            f"an answer of each of {len(record.tried)} operations" if missing else "at least one operation",
            f"none of {', '.join(missing)}" if missing else "no operation is described",
            evidence=evidence,
        )


def _observed(deviation: Deviation) -> str:
    if not deviation.check:
        return f"no answer: {_cut(deviation.told)}"
    return f"HTTP {deviation.status}: {_cut(deviation.body)}".removesuffix(": ")


def _told(deviation: Deviation) -> list[str]:
    """Return what the check says, without empty lines; the rest is in the evidence."""
    lines = [line for line in deviation.told.splitlines() if line.strip()] if deviation.check else []
    return [_cut(line.rstrip()) for line in lines[:MOST_LINES]] + ["…"] * (len(lines) > MOST_LINES)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_SHOWN else f"{flat[:LONGEST_SHOWN]}…"
