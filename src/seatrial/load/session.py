"""One load from its start to its results, whatever ends it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from seatrial.errors import EnvironmentFault, SeaTrialError, UsageError
from seatrial.load.activities import Activity, read_activities
from seatrial.load.phases import phases_of_activities
from seatrial.load.records import LoadRecord
from seatrial.load.results import LoadResult, write_results
from seatrial.progress import Phases

WORK = "work"
"""Folder below that of the results, for what Locust itself writes; it stays when something went wrong."""


class Stopped(SeaTrialError):
    """A person ended the load before its time; its results are there."""

    exit_code = 130


class Customers(Protocol):
    """Customers at work here, or in the cluster."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def so_far(self) -> LoadRecord: ...

    def stop(self) -> LoadRecord: ...

    def lost(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Worked:
    """What customers did, and what went wrong with them."""

    record: LoadRecord
    troubles: tuple[SeaTrialError, ...] = ()
    """In the order in which they came."""


def prepare(folder: Path) -> Path:
    """Make the folder of the results; returns the one below it for what Locust writes.

    Raises UsageError when nothing can be written there.
    """
    work = folder / WORK
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        told = f"--reports {folder}: cannot be written: {error.strerror}"
        raise UsageError(told, remedy="give a folder of your own") from error
    return work


def work(customers: Customers, seconds: float, phases: Phases) -> Worked:
    """Have customers work for so long. Ctrl-C ends them early; they never go on after this has returned.

    Raises EnvironmentFault when they cannot begin; what happens later is a trouble, and costs no record.
    """
    worked: Worked | None = None
    try:
        with ExitStack() as stack:
            with phases.phase("start customers", then="load"):
                stack.enter_context(customers)
            worked = _go_on(customers, seconds, phases)
    except EnvironmentFault as error:
        if worked is None:
            raise
        return Worked(worked.record, (*worked.troubles, error))
    return worked


def _go_on(customers: Customers, seconds: float, phases: Phases) -> Worked:
    try:
        with phases.phase("load", estimate_seconds=seconds, then="results"):
            customers.wait(seconds)
    except KeyboardInterrupt:
        return _ended(customers, Stopped("interrupted; the results tell what was until then"))
    except EnvironmentFault as error:
        return Worked(customers.so_far(), (error,))
    return _ended(customers)


def _ended(customers: Customers, *troubles: SeaTrialError) -> Worked:
    try:
        record = customers.stop()
    except EnvironmentFault as error:
        return Worked(customers.so_far(), (*troubles, error))
    lost = (EnvironmentFault(f"records are missing: {told}") for told in customers.lost())
    return Worked(record, (*troubles, *lost))


def conclude(
    folder: Path, worked: Worked, settings: Mapping[str, Any], versions: Mapping[str, str], timeline: Path | None
) -> tuple[SeaTrialError, ...]:
    """Write the results, and return all that went wrong: the first is what the command ends with."""
    activities, troubles = _meanwhile(timeline, worked.troubles)
    troubles += _fruitless(worked.record)
    phases = phases_of_activities(activities, worked.record)
    notes = tuple(str(each).splitlines()[0] for each in troubles)
    write_results(folder, LoadResult(worked.record, settings, versions, phases, notes))
    if not troubles:
        shutil.rmtree(folder / WORK, ignore_errors=True)
    return troubles


def _meanwhile(
    timeline: Path | None, troubles: tuple[SeaTrialError, ...]
) -> tuple[tuple[Activity, ...], tuple[SeaTrialError, ...]]:
    """Read the timeline, which was perhaps not there when the load began."""
    if timeline is None:
        return (), troubles
    try:
        return read_activities(timeline), troubles
    except UsageError as error:
        return (), (*troubles, error)


def _fruitless(record: LoadRecord) -> tuple[SeaTrialError, ...]:
    """Return the error to end with when no request at all succeeded."""
    if record.requests and len(record.failed) < len(record.requests):
        return ()
    errors = ", ".join(f"{hits} × {error}" for error, hits in record.errors().most_common(3))
    return (SeaTrialError(f"no request succeeded: {errors or 'none was made'}", remedy="see 'seatrial status'"),)
