"""Decisions about the engine and the host, without an engine."""

from pathlib import Path

import pytest

from seatrial.cluster import engine
from seatrial.errors import EnvironmentFault
from seatrial.progress import Phases


def test_the_bounding_set_is_read_from_the_kernels_status() -> None:
    mask = engine.bounding_set("CapEff:\t0000000000000000\nCapBnd:\t000001fffeffffff\n")
    assert mask == 0x1FFFEFFFFFF
    assert engine.needs_bounded_runtime(mask)
    assert not engine.needs_bounded_runtime(0x1FFFFFFFFFF)


def test_a_dead_docker_host_is_not_replaced_by_an_engine_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "is_running", lambda: False)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(
        EnvironmentFault, match=r"no engine answers at DOCKER_HOST=tcp://127.0.0.1:1; start it, or unset"
    ):
        engine.ensure_engine(Phases())


def test_a_host_that_is_not_debian_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "is_running", lambda: False)
    monkeypatch.setattr(engine, "is_debian", lambda: False)
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentFault, match="installed by itself only on Debian as root; install and start Docker"):
        engine.ensure_engine(Phases())


def test_starting_an_engine_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "is_running", lambda: False)
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/usr/sbin/dockerd")
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    with pytest.raises(EnvironmentFault, match="starting one needs root; start Docker, or run this command with sudo"):
        engine.ensure_engine(Phases())


def test_an_engine_that_is_not_ours_is_not_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    assert not engine.stop_engine()
    (tmp_path / "engine").mkdir(exist_ok=True)
    (tmp_path / "engine" / "dockerd.pid").write_text("1")
    assert not engine.stop_engine()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Engines that end at once, but for the one of the second start; returns the starts."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(engine, "needs_bounded_runtime", lambda mask: False)
    begun: list[list[str]] = []

    class Started:
        def __init__(self, command: list[str], **_: object) -> None:
            begun.append(command)
            self.ends = len(begun) != 2

        def poll(self) -> int | None:
            return 1 if self.ends else None

    monkeypatch.setattr(engine.subprocess, "Popen", Started)
    return begun


def test_an_engine_that_gives_up_after_a_crash_is_started_once_more(
    starts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "is_running", lambda: len(starts) == 2)
    engine._start(Phases())
    assert [command[0] for command in starts] == ["dockerd", "dockerd"]


def test_an_engine_that_does_not_start_is_told_with_its_last_word(
    starts: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "START_ATTEMPTS", 1)
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "dockerd.log").write_text("info\nfailed to start daemon: no space left\n")
    with pytest.raises(EnvironmentFault) as caught:
        engine._start(Phases())
    log = tmp_path / "engine" / "dockerd.log"
    assert str(caught.value) == f"the Docker engine did not start: failed to start daemon: no space left (log: {log})"
