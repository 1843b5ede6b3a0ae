"""Decisions about the engine and the host, without an engine."""

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
