"""The failover table of kept reports: each fault, each moment of its timelines, median and worst against the bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from seatrial.checks.bounds import BOUNDS, MUST_COME
from seatrial.checks.timeline import ORDER, fault_of
from seatrial.errors import Failure, UsageError, Verdict
from seatrial.observe.records import Timeline
from seatrial.report.evidence import scenario_slug
from seatrial.tolerances import Tolerances

COLUMNS = ("fault", "moment", "seen", "median", "worst", "bound", "")
NUMBERS = ("seen", "median", "worst")
"""Those that stand right."""
WITHOUT_VERDICT = (Verdict.SKIPPED, Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT)


@dataclass(frozen=True, slots=True)
class Repetition:
    """One outage: a fault that was done to one replica of one service."""

    fault: str
    service: str
    moments: Mapping[str, float]
    """Moment to seconds since the fault; what did not come is left out."""
    file: str
    judged: bool
    """Whether the fault is proven, and the scenario came to a verdict, as far as the folder tells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One moment of one fault over all its repetitions; seconds since the fault."""

    fault: str
    moment: str
    outages: int
    """Repetitions of the fault."""
    seen: int
    """Those in which the moment came."""
    median: float | None
    worst: float | None
    bound: float | None
    """0 when the moment must not come at all, None when nothing is judged."""
    worst_in: str
    """Service and file of the worst repetition: the latest, or one that lacks a moment that must come."""

    @property
    def missing(self) -> int:
        """Repetitions that lack the moment although it must come."""
        return self.outages - self.seen if self.bound and self.moment in MUST_COME else 0

    @property
    def within(self) -> bool | None:
        """Whether all repetitions kept the bound; None when nothing is judged."""
        if self.bound is None:
            return None
        return not self.missing and (self.worst is None or 0 < self.bound >= self.worst)

    def as_row(self) -> dict[str, Any]:
        return {**asdict(self), "within": self.within}


class _Kept(BaseModel):
    """``timelines.json``; that of a disturbance of no single replica has no proofs."""

    timelines: tuple[Timeline, ...]
    proofs: dict[str, str] | None = None


class _Scenario(BaseModel):
    id: str
    verdict: Verdict


class _Summary(BaseModel):
    scenarios: tuple[_Scenario, ...]


File = TypeVar("File", bound=BaseModel)


def read_repetitions(folder: Path) -> list[Repetition]:
    """Return the outages that a report folder keeps, a folder of a run of features.

    Raises UsageError when it is not there, when none of its outages can be judged, and at a file that is broken.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder", remedy="give a folder that a run's reports went to")
    void = _without_verdict(folder / "summary.json")
    files = sorted(folder.glob("evidence/*/timelines*.json"))
    found = [each for file in files for each in _repetitions(file, is_void=file.parent.name in void)]
    if not any(each.judged for each in found):
        why = "its scenarios came to no verdict" if found else "no evidence/*/timelines.json of a fault to a replica"
        raise UsageError(f"{folder}: no outage to count: {why}", remedy="give reports of runs of ac03_failover.feature")
    return found


def _without_verdict(summary: Path) -> set[str]:
    """Return the evidence folders of such scenarios; none for a run that was cut off before its summary."""
    scenarios = _read(summary, _Summary).scenarios if summary.exists() else ()
    return {scenario_slug(each.id) for each in scenarios if each.verdict in WITHOUT_VERDICT}


def _repetitions(file: Path, *, is_void: bool) -> Iterator[Repetition]:
    kept = _read(file, _Kept)
    for timeline in kept.timelines if kept.proofs is not None else ():
        moments = {each.what: each.at - timeline.fault_at for each in timeline.moments}
        proven = bool(kept.proofs and kept.proofs.get(timeline.subject))
        yield Repetition(fault_of(timeline), timeline.subject, moments, str(file), proven and not is_void)


def _read(path: Path, kind: type[File]) -> File:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        remedy = "leave its folder out, or repeat that run"
        raise UsageError(f"{path}: not as a run writes it: {where}{first['msg']}", remedy=remedy) from error


def cells_of(repetitions: Sequence[Repetition], tolerances: Tolerances) -> Iterator[Cell]:
    """Yield a cell for each moment that came or is judged, by fault, and in the order of the timeline."""
    for fault in sorted({each.fault for each in repetitions}):
        outages = [each for each in repetitions if each.fault == fault]
        for moment in ORDER[1:]:
            fields = BOUNDS.get(fault, {}).get(moment)
            bound = None if fields is None else float(sum(getattr(tolerances, field) for field in fields))
            if bound is not None or any(moment in each.moments for each in outages):
                yield _cell(fault, moment, outages, bound)


def _cell(fault: str, moment: str, outages: Sequence[Repetition], bound: float | None) -> Cell:
    came = sorted((each for each in outages if moment in each.moments), key=lambda each: each.moments[moment])
    seconds = [each.moments[moment] for each in came]
    middle, worst = (median(seconds), seconds[-1]) if seconds else (None, None)
    lacking = [each for each in outages if bound and moment in MUST_COME and moment not in each.moments]
    worst_in = next((f"{each.service}, {each.file}" for each in [*lacking, *reversed(came)]), "")
    return Cell(fault, moment, len(outages), len(came), middle, worst, bound, worst_in)


def beyond_bounds(cells: Iterable[Cell]) -> Iterator[Failure]:
    """Yield a failure for each cell whose worst repetition exceeds its bound, or lacks a moment that must come."""
    for cell in cells:
        if cell.within is False:
            fields = " + ".join(BOUNDS[cell.fault][cell.moment])
            lacking = f"not at all in {cell.missing} of {cell.outages} outages"
            late = f"in {cell.seen} of {cell.outages} outages, the worst {cell.worst or 0:.2f} s after the fault"
            yield Failure(
                f"{cell.fault}: {_words(cell.moment)}",
                f"within {cell.bound:g} s after the fault ({fields})" if cell.bound else "never",
                lacking if cell.missing else late,
                evidence=cell.worst_in,
            )


def rows_of(cells: Iterable[Cell], least: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table, for :data:`COLUMNS`; a fault with fewer than ``least`` repetitions bears a star."""
    above = ""
    for cell in cells:
        name = f"{cell.fault} *" if cell.outages < least else cell.fault
        bound = "" if cell.bound is None else f"≤ {cell.bound:g}" if cell.bound else "never"
        verdict = {None: "", True: "ok", False: "BEYOND"}[cell.within]
        seconds = ("" if each is None else f"{each:.2f}" for each in (cell.median, cell.worst))
        seen = f"{cell.seen}/{cell.outages}"
        yield "" if cell.fault == above else name, _words(cell.moment), seen, *seconds, bound, verdict
        above = cell.fault


def _words(moment: str) -> str:
    return "full again" if moment == "full" else moment.replace("_", " ")
