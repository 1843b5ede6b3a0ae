"""Running Schemathesis in a child process, service by service, and never leaving it running."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.children import run_to_end, tail
from seatrial.errors import EnvironmentFault
from seatrial.fuzz.configuration import AUTHORITY, EVENTS, TOKEN, configuration
from seatrial.fuzz.description import Description, base_path, operations
from seatrial.fuzz.records import FuzzRecord, read_events
from seatrial.observe.customers import TIMEOUT_SECONDS
from seatrial.observe.way_in import WayIn
from seatrial.paths import cached

LOG = "log.txt"
RUN = ("--config-file", "schemathesis.toml", "run", "openapi.json")
END_SECONDS = 5.0
PORTS = {"http": 80, "https": 443}
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
"""What the machine is told about proxies is not for customers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One service to be tried."""

    service: str
    description: Description
    """With those operations alone that are to be tried."""
    paces: Mapping[str, int]
    """Path to the most requests a second; others go as fast as they are answered."""


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """How descriptions are tried."""

    way: WayIn
    token: str
    """Sent with every request, unless it is empty."""
    seed: int
    """The same seed generates the same requests, as long as the answers are the same."""
    examples: int
    """Generated requests for each operation, beside those at the bounds of its values."""
    folder: Path
    """Takes, for each service, description, configuration, log and events."""

    def run(self, subjects: tuple[Subject, ...], *, within_seconds: float) -> tuple[FuzzRecord, ...]:
        """Try one service after the other until the time is over; what was not finished then says so.

        Raises EnvironmentFault with the end of the log when Schemathesis itself breaks.
        """
        deadline = time.monotonic() + within_seconds
        return tuple(self._try(subject, deadline) for subject in subjects)

    def _try(self, subject: Subject, deadline: float) -> FuzzRecord:
        folder = self.folder / subject.service
        self._prepare(subject, folder)
        code = self._child(subject.service, folder, deadline) if time.monotonic() < deadline else None
        events = folder / EVENTS
        lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
        options = self._curl_options(subject.service, folder)
        record = read_events(lines, subject.service, operations(subject.description), options)
        if code is not None and not record.ended and not record.unusable:
            told = tail(folder / LOG)
            raise EnvironmentFault(f"generated requests to {subject.service} ended with {code}, no result:\n{told}")
        return record

    def _prepare(self, subject: Subject, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / EVENTS).unlink(missing_ok=True)
        (folder / "openapi.json").write_text(json.dumps(subject.description), encoding="utf-8")
        if self.way.authority:
            (folder / AUTHORITY).write_text(self.way.authority)
        url = urlsplit(self.way.urls[subject.service])
        text = configuration(
            f"{url.scheme}://{self.way.host or url.netloc}{base_path(subject.description)}",
            seed=self.seed,
            examples=self.examples,
            timeout_seconds=TIMEOUT_SECONDS,
            authority=bool(self.way.authority),
            token=bool(self.token),
            paces=subject.paces,
        )
        (folder / "schemathesis.toml").write_text(text, encoding="utf-8")

    def _child(self, service: str, folder: Path, deadline: float) -> int | None:
        """Run the child to its end and return its exit code; interrupt it at the deadline and return None."""
        own = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}
        # Hypothesis keeps tables of Unicode there, and would make them anew in every folder
        own |= {TOKEN: self.token, "HYPOTHESIS_STORAGE_DIRECTORY": str(cached("hypothesis"))}
        where = self._address(service) if self.way.host else ("", "")
        command = [sys.executable, "-m", "seatrial.fuzz.child", self.way.host, *where, *RUN]
        left = deadline - time.monotonic()
        return run_to_end(command, folder / LOG, own, folder, within_seconds=left, end_seconds=END_SECONDS)

    def _address(self, service: str) -> tuple[str, str]:
        url = urlsplit(self.way.urls[service])
        return str(url.hostname), str(url.port or PORTS[url.scheme])

    def _curl_options(self, service: str, folder: Path) -> tuple[str, ...]:
        """Return what curl needs for a name that no resolver knows."""
        if not self.way.host:
            return ()
        authority = ("--cacert", str(folder / AUTHORITY)) if self.way.authority else ()
        return ("--connect-to", f"::{':'.join(self._address(service))}", *authority)
