"""The plain summary at the end of a run: a line per criterion, then what did not pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.errors import Verdict
from seatrial.report.catalogue import Catalogue
from seatrial.report.run import RunRecord, ScenarioResult
from seatrial.report.verdicts import worst

COLUMNS = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT, Verdict.SKIPPED)
TITLE_WIDTH = 62


def summary_lines(record: RunRecord, catalogue: Catalogue) -> list[str]:
    """Return the table and the list of scenarios that did not pass, ready to print."""
    lines = [_row("criterion", [str(column) for column in COLUMNS])]
    for criterion, counts in record.by_criterion().items():
        title = f"{criterion} {catalogue.meaning(criterion)}".strip()
        lines.append(f"{_row(title, _cells(counts))}   {_word(worst(v for v in Verdict if counts[v]))}")
    troubles = [result for result in record.scenarios if result.verdict is not Verdict.PASSED]
    lines += [line for result in troubles for line in _trouble(result)]
    if record.not_run:
        lines += ["", f"{record.not_run} of {record.collected} scenarios were not run: the run was stopped early"]
    lines += _left(record.left_for_nightly, "left for --nightly")
    lines += _left(record.left_for_daily, "left out with --nightly, because longer ones show the same and more")
    return [*lines, "", verdict_line(record)]


def _left(names: Sequence[str], told: str) -> list[str]:
    if not names:
        return []
    many = f"{len(names)} {'scenario is' if len(names) == 1 else 'scenarios are'} {told}:"
    return ["", many, *(f"    {name}" for name in names)]


def verdict_line(record: RunRecord) -> str:
    """Say in one line how the run ended."""
    verdicts = record.verdicts()
    counts = [f"{verdicts.count(column)} {column}" for column in COLUMNS if column in verdicts]
    if not verdicts:
        return "verdict: none, no scenario was run"
    word = _word(worst(verdicts))
    if record.not_run:
        counts.append(f"{record.not_run} not run")
        word = "INCOMPLETE" if word.islower() else word
    return f"verdict: {word} ({', '.join(counts)}) in {record.seconds:.0f} s"


def _cells(counts: Mapping[Verdict, int]) -> list[str]:
    return [str(counts[column] or "·") for column in COLUMNS]


def _row(title: str, cells: list[str]) -> str:
    shown = title if len(title) <= TITLE_WIDTH else f"{title[: TITLE_WIDTH - 1]}…"
    return shown.ljust(TITLE_WIDTH) + "".join(
        cell.rjust(len(column) + 2) for cell, column in zip(cells, COLUMNS, strict=True)
    )


def _trouble(result: ScenarioResult) -> list[str]:
    reason = next(iter(result.reason.splitlines()), "")
    title = f"{_word(result.verdict)} {' '.join(result.criteria)} {result.name}"
    return ["", title, f"    {reason}", f"    {result.id}"]


def _word(verdict: Verdict) -> str:
    """Passed and skipped whisper, the rest is loud."""
    return str(verdict) if verdict in (Verdict.PASSED, Verdict.SKIPPED) else verdict.upper()
