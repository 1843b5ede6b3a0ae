"""What came of one run of an experiment: its verdict with the reasons, as a person and as a program read it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from seatrial.chaos.journal import Journal
from seatrial.chaos.judge import Judgement, judge
from seatrial.errors import EnvironmentFault, SeaTrialError, Verdict

RESULT, SUMMARY = "result.json", "summary.txt"
INTERRUPTED = 130


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    experiment: str
    criteria: tuple[str, ...]
    seed: int
    targets: tuple[str, ...]
    """Names of pods, or of a node; empty when nothing is chosen."""
    verdict: Verdict
    reasons: tuple[str, ...]
    began: float
    """Unix seconds."""
    seconds: float
    interrupted: bool
    folder: str
    """Where journal, log, ledger, undo log and timeline lie."""

    @property
    def exit_code(self) -> int:
        """Exit code of a command that ran it; 0 for passed only."""
        if self.interrupted:
            return INTERRUPTED
        codes = {Verdict.PASSED: 0, Verdict.ENVIRONMENT: EnvironmentFault.exit_code}
        return codes.get(self.verdict, SeaTrialError.exit_code)

    def __str__(self) -> str:
        took = f"{self.seconds:.0f} s, seed {self.seed}, targets: {', '.join(self.targets) or 'its own'}"
        lines = [f"    {line}" for reason in self.reasons for line in reason.splitlines()]
        return "\n".join([f"{self.verdict.upper()} {self.experiment} ({took})", *lines, f"    records: {self.folder}"])


def keep(outcome: Outcome, folder: Path) -> None:
    """Write it beside the journal, as JSON and as text."""
    (folder / RESULT).write_text(json.dumps(asdict(outcome), indent=1), encoding="utf-8")
    (folder / SUMMARY).write_text(f"{outcome}\n", encoding="utf-8")


def conclude(
    journal: Journal | None, *, deviation_during: bool, fault: str, lacking: tuple[str, ...], evidence: str
) -> Judgement:
    """Return the verdict of a run; pure.

    ``fault`` is what gave way around the experiment, ``lacking`` what the system lacks after it was healed. Without a
    journal nothing is known of the system but that: the environment is to blame, unless it is left broken.
    """
    if journal is not None:
        judged = judge(journal, deviation_during=deviation_during, unhealed=lacking, evidence=evidence)
        if not fault:
            return judged
        verdict = Verdict.FAILED if judged.verdict is Verdict.FAILED else Verdict.INCONCLUSIVE
        return Judgement(verdict, (fault, *judged.reasons))
    reasons = (fault or "the experiment left no journal", *(f"after it was healed, {each}" for each in lacking))
    return Judgement(Verdict.FAILED if lacking else Verdict.ENVIRONMENT, reasons)
