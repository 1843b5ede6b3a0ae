"""What a run was and what came of it: the facts behind ``summary.json`` and the table at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.errors import Verdict


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One line of ``scenarios`` in ``summary.json``."""

    id: str
    name: str
    criteria: tuple[str, ...]
    verdict: Verdict
    seconds: float
    """Set-up, steps and tear-down, without the phases of the run that fell into it (a cluster that was started)."""
    reason: str


@dataclass
class RunRecord:
    """Collects the facts of one run; fixtures add what they know (versions, the cluster, phases)."""

    overlay: str = ""
    seed: int = 0
    cluster: str = ""
    """Which cluster: ``kind seatrial``, a context's name."""
    versions: dict[str, str] = field(default_factory=dict)
    """Component to version: kubernetes, kind, seatrial, python …."""
    phases: dict[str, float] = field(default_factory=dict)
    """Phase to seconds."""
    scenarios: list[ScenarioResult] = field(default_factory=list)
    collected: int = 0
    """Scenarios that were to run."""
    left_for_nightly: list[str] = field(default_factory=list)
    """Names of the scenarios that ``--nightly`` would have run, too."""
    left_for_daily: list[str] = field(default_factory=list)
    """Names of the scenarios that a run with ``--nightly`` left out, because longer ones show the same and more."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock: float = field(default_factory=time.monotonic)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase; the same name again adds up."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - began

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._clock

    @property
    def phase_seconds(self) -> float:
        return sum(self.phases.values())

    @property
    def not_run(self) -> int:
        """Scenarios that were to run and did not, because the run was stopped."""
        return max(self.collected - len(self.scenarios), 0)

    def verdicts(self) -> list[Verdict]:
        return [result.verdict for result in self.scenarios]

    def by_criterion(self) -> dict[str, dict[Verdict, int]]:
        """Count verdicts per criterion, criteria in order; a scenario counts for each of its criteria."""
        ids = sorted({criterion for result in self.scenarios for criterion in result.criteria})
        counts = {criterion: dict.fromkeys(Verdict, 0) for criterion in ids}
        for result in self.scenarios:
            for criterion in result.criteria:
                counts[criterion][result.verdict] += 1
        return counts

    def summary(self) -> dict[str, Any]:
        """Return the content of ``summary.json``."""
        return {
            "run": {
                "started": self.started.isoformat(timespec="seconds"),
                "seconds": round(self.seconds, 1),
                "versions": dict(self.versions),
                "cluster": self.cluster,
                "overlay": self.overlay,
                "seed": self.seed,
            },
            "phases": {name: round(seconds, 1) for name, seconds in self.phases.items()},
            "criteria": {criterion: _columns(counts) for criterion, counts in self.by_criterion().items()},
            "left_for_nightly": list(self.left_for_nightly),
            "left_for_daily": list(self.left_for_daily),
            "scenarios": [{**asdict(result), "seconds": round(result.seconds, 2)} for result in self.scenarios],
        }


def write_summary(path: Path, record: RunRecord) -> None:
    """Write ``summary.json`` in one step, so that no reader finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record.summary(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _columns(counts: Mapping[Verdict, int]) -> dict[str, int]:
    columns = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ENVIRONMENT, Verdict.SKIPPED)
    return {str(verdict): counts[verdict] for verdict in columns}
