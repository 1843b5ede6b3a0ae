"""The door to a pod of the load: whole rows only, an end that is sure, and nobody there for ever."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from seatrial.load import pod
from seatrial.load.pod import Door


class Locust:
    """A Locust that runs, or ended with a code."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code

    def poll(self) -> int | None:
        return self.code


def door(folder: Path, code: int | None = None) -> Door:
    logs = folder / "locust.log", folder / "load.log"
    return Door(Locust(code), folder / "load.csv", *logs)  # type: ignore[arg-type]


def test_only_whole_rows_are_handed_out_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("a,1\nb,2\nc,")
    there = door(tmp_path)
    first = there.rows()
    assert first == {"text": "a,1\nb,2\n", "next": 8, "running": True}
    assert there.rows(first["next"]) == {"text": "", "next": 8, "running": True}
    (tmp_path / "load.csv").write_text("a,1\nb,2\nc,3\n")
    assert there.rows(8) == {"text": "c,3\n", "next": 12, "running": True}


def test_a_large_file_is_handed_out_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod, "CHUNK_BYTES", 6)
    (tmp_path / "load.csv").write_text("a,1\nb,2\n")
    assert [door(tmp_path).rows(at)["text"] for at in (0, 4, 8)] == ["a,1\n", "b,2\n", ""]


def test_no_rows_of_a_locust_that_ended_are_the_end(tmp_path: Path) -> None:
    assert door(tmp_path, code=0).rows() == {"text": "", "next": 0, "running": False}


def test_the_log_of_locust_is_told_and_what_it_printed_when_it_did_not_even_begin(tmp_path: Path) -> None:
    assert door(tmp_path, code=1).log_end() == {"code": 1, "text": ""}
    (tmp_path / "load.log").write_text("Traceback\n")
    assert door(tmp_path, code=1).log_end()["text"] == "    Traceback"
    (tmp_path / "locust.log").write_text("all spawned\n")
    assert door(tmp_path).log_end() == {"code": None, "text": "    all spawned"}


def test_an_owner_is_taken_for_gone_when_nobody_asks_and_given_time_for_the_first_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setenv(pod.PATIENCE_VARIABLE, "100")
    there = door(tmp_path)
    monkeypatch.setattr(time, "monotonic", lambda: now + pod.IDLE_SECONDS + 99)
    assert not there.is_idle()
    there.rows()
    monkeypatch.setattr(time, "monotonic", lambda: now + 2 * pod.IDLE_SECONDS + 100)
    assert there.is_idle()
    there.healthz()
    assert there.is_idle(), "the kubelet asks, too"


def test_a_pod_whose_owner_is_gone_ends_and_its_locust_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], log: Path, environment: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True))
        return started[0]

    monkeypatch.setattr(pod, "start", start)
    monkeypatch.setattr(pod, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(pod, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(pod.signal, "signal", lambda *_: None)
    monkeypatch.setenv("SEATRIAL_LOAD_RECORDS", str(tmp_path / "load.csv"))
    monkeypatch.setenv(pod.PORT_VARIABLE, "0")
    pod.main([])
    assert started[0].poll() is not None
