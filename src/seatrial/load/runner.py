"""Running Locust in a child process, and never leaving it running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from seatrial.children import end, start, tail
from seatrial.errors import EnvironmentFault
from seatrial.load.demand import JOIN_PER_SECOND, Journey, as_variable
from seatrial.load.records import LoadRecord, read_records

RAW = "load.csv"
"""File of the records while customers work."""
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
START_SECONDS = 60.0
"""Until the first request; 3 s on an idle machine, far more while every core starts replicas."""
END_SECONDS = 20.0
LONGEST_RUN_SECONDS = 900.0
"""A load that nobody stops ends by itself."""
POLL_SECONDS = 0.1


class Load:
    """Customers at work, from entering to :meth:`stop`."""

    def __init__(
        self,
        system_file: Path,
        urls: Mapping[str, str],
        *,
        users: int,
        folder: Path,
        host: str = "",
        authority: str = "",
        journey: Journey | None = None,
        longest_seconds: float = LONGEST_RUN_SECONDS,
    ) -> None:
        """Prepare; ``urls`` maps service to its address from outside, ``folder`` takes records and log.

        Behind a gateway ``host`` is the name that customers ask for, whatever the address, and ``authority`` the
        certificates in PEM that they trust. They make the ``journey``, else the declared one.
        """
        self.records = folder / RAW
        self._log = folder / "load.log"
        self._users = users
        self._authority = authority
        self._longest_seconds = longest_seconds
        self._environment = {
            "SEATRIAL_HOST": host,
            "SEATRIAL_AUTHORITY": str(folder / "authority.pem") if authority else "",
            "SEATRIAL_SYSTEM": str(system_file),
            "SEATRIAL_URLS": json.dumps(dict(urls)),
            "SEATRIAL_LOAD_RECORDS": str(self.records),
            "SEATRIAL_JOURNEY": as_variable(journey),
        }

    def __enter__(self) -> Self:
        """Start, and wait for the first request; raises EnvironmentFault with the log's end when there is none."""
        self.records.parent.mkdir(parents=True, exist_ok=True)
        self.records.unlink(missing_ok=True)
        if self._authority:
            Path(self._environment["SEATRIAL_AUTHORITY"]).write_text(self._authority)
        users = (f"--users={self._users}", f"--spawn-rate={min(self._users, JOIN_PER_SECOND)}")
        bound = f"--run-time={self._longest_seconds:.0f}s"
        options = ("--headless", "--only-summary", bound, *users, f"--locustfile={LOCUSTFILE}")
        command = [sys.executable, "-m", "locust", *options]
        self._child = start(command, self._log, {**os.environ, **self._environment})
        try:
            self._await_first_request()
        except BaseException:
            end(self._child, END_SECONDS)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def wait(self, seconds: float) -> None:
        """Go on for a while; raises EnvironmentFault when the load ends by itself."""
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise self._died()

    def so_far(self) -> LoadRecord:
        """Return the requests up to now."""
        return read_records(self.records) if self.records.exists() else LoadRecord(())

    def stop(self) -> LoadRecord:
        """End the load and return all its requests; raises EnvironmentFault when it had died before."""
        if self._child.poll() is not None:
            raise self._died()
        self._end()
        return self.so_far()

    def lost(self) -> tuple[str, ...]:
        """Return nothing: the only process writes here."""
        return ()

    def _died(self) -> EnvironmentFault:
        return EnvironmentFault(f"the load ended by itself with {self._child.returncode}:\n{tail(self._log)}")

    def _end(self) -> None:
        if self._child.poll() is None:
            end(self._child, END_SECONDS)

    def _await_first_request(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.so_far().requests:
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise EnvironmentFault(f"the load does not start; its log ends with:\n{tail(self._log)}")
            time.sleep(POLL_SECONDS)
