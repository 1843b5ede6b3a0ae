"""The vantage agent's own tests, which are written in Go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from seatrial.cluster.golang import VANTAGE

TESTS_SECONDS = 60
"""Bound of the tests themselves: they take about 6 s."""
COMPILE_SECONDS = 300
"""Bound of all, with nothing compiled yet: 47 s measured on two busy cores, downloads included."""

GO = shutil.which("go") or ""


def environment() -> dict[str, str]:
    """Return the environment of a build with the user's own caches: those of the project's builds are dropped."""
    return {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}


def run_go(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GO, *arguments],
        cwd=VANTAGE,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMPILE_SECONDS,
        check=False,
    )


def fetch_modules(env: Mapping[str, str]) -> None:
    """Make sure that the modules are there, so that a failure of the network does not look like one of the agent."""
    done = run_go("mod", "download", env=env)
    if done.returncode:
        proxy, modules = run_go("env", "GOPROXY", "GOMODCACHE", env=env).stdout.split()
        pytest.fail(
            f"images/vantage was not tested: its Go modules are not in {modules}\n"
            f"and cannot be downloaded (GOPROXY={proxy}); go says:\n{done.stdout}",
            pytrace=False,
        )


def version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


@pytest.fixture(scope="module", autouse=True)
def compiler() -> None:
    if not GO:
        pytest.skip("no Go compiler on PATH")
    wanted = re.search(r"^go (\S+)$", (VANTAGE / "go.mod").read_text(), re.MULTILINE)
    found = run_go("env", "GOVERSION", env=environment()).stdout.strip()
    if wanted and version(found) < version(wanted[1]):
        pytest.skip(f"the Go compiler on PATH is {found}, the agent needs go{wanted[1]}")


def test_the_go_tests_of_the_agent_pass():
    env = environment()
    fetch_modules(env)
    done = run_go("test", f"-timeout={TESTS_SECONDS}s", "./...", env=env)
    if done.returncode:
        pytest.fail(f"go test ./... in images/vantage\n{done.stdout}", pytrace=False)


def test_missing_modules_are_told_apart_from_a_failing_agent(tmp_path: Path):
    env = {**environment(), "GOMODCACHE": str(tmp_path), "GOPROXY": "off"}
    with pytest.raises(pytest.fail.Exception) as caught:
        fetch_modules(env)
    assert str(caught.value).startswith(
        f"images/vantage was not tested: its Go modules are not in {tmp_path}\n"
        "and cannot be downloaded (GOPROXY=off); go says:\n"
    )
    assert "module lookup disabled by GOPROXY=off" in str(caught.value)
