"""The container engine: use the one that runs, else install and start Debian's; anything else is told, not guessed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from seatrial.command import capture, logged, succeeds
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT, cached
from seatrial.progress import Phases

START_SECONDS = 60.0
"""How long the engine may take to answer after its start; 2 s were measured on two idle cores."""
START_ATTEMPTS = 2
CAP_SYS_RESOURCE = 24
"""Bit of the capability in the kernel's masks (linux/capability.h)."""
PACKAGES = ("docker.io", "iptables", "ca-certificates")


def is_running() -> bool:
    """Tell whether a Docker engine answers."""
    return shutil.which("docker") is not None and succeeds("docker", "info", "--format", "{{.ID}}")


def bounding_set(status: str | None = None) -> int:
    """Return the capability bounding set of this process as a bit mask."""
    text = status if status is not None else Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("CapBnd")).split()[1], 16)


def needs_bounded_runtime(mask: int) -> bool:
    """Tell whether the host withholds a capability that privileged containers ask for."""
    return not mask >> CAP_SYS_RESOURCE & 1


def is_debian() -> bool:
    """Tell whether the host's packages are Debian's."""
    return Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def ensure_engine(phases: Phases) -> None:
    """Make sure that a Docker engine answers.

    Raises EnvironmentFault on a host where that would be guesswork: not Debian, or not root.
    """
    if is_running():
        return
    if os.environ.get("DOCKER_HOST"):
        raise EnvironmentFault(
            f"no engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}", remedy="start it, or unset DOCKER_HOST"
        )
    if shutil.which("dockerd") is None:
        _install(phases)
    if os.geteuid() != 0:
        raise EnvironmentFault(
            "no Docker engine answers, and starting one needs root",
            remedy="start Docker, or run this command with sudo",
        )
    _start(phases)


def _install(phases: Phases) -> None:
    if not is_debian() or os.geteuid() != 0:
        raise EnvironmentFault(
            "no Docker engine on this host, and it is installed by itself only on Debian as root",
            remedy="install and start Docker, then run the same command again",
        )
    phases.say(f"No Docker engine here: installing Debian's {', '.join(PACKAGES)}")
    with phases.phase("install engine", estimate_seconds=20, then="start it"):
        install_packages(*PACKAGES)


def install_packages(*names: str) -> None:
    """Install Debian packages; the log is ``logs/apt.log`` in the cache."""
    log, env = cached("logs") / "apt.log", {"DEBIAN_FRONTEND": "noninteractive"}
    logged(["apt-get", "-q", "update"], log, env=env)
    logged(["apt-get", "-q", "install", "-y", "--no-install-recommends", *names], log, env=env)


def _start(phases: Phases) -> None:
    folder = cached("engine")
    # an engine that was killed leaves its file, and a new one would take that for a neighbour's
    if _our_engine() is None:
        _pidfile().unlink(missing_ok=True)
    command = ["dockerd", f"--pidfile={_pidfile()}"]
    if needs_bounded_runtime(bounding_set()):
        command += [f"--add-runtime=bounded={_shim(folder)}", "--default-runtime=bounded"]
    phases.say(f"Starting the Docker engine: {' '.join(command)}")
    with phases.phase("start engine"), (folder / "dockerd.log").open("ab") as log:
        # after a crash the first start may give up: it waits less long for its containerd than that needs to recover
        if not any(_answers_after_start(command, log) for _ in range(START_ATTEMPTS)):
            raise EnvironmentFault(f"the Docker engine did not start: {_last_word(folder / 'dockerd.log')}")


def _answers_after_start(command: list[str], log: IO[bytes]) -> bool:
    """Start the engine in the background and wait until it answers; false when it ended, or took too long."""
    # a session of its own: the engine outlives this command, and Ctrl-C here does not stop its containers
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_running():
            return True
        time.sleep(0.2)
    return False


def _shim(folder: Path) -> Path:
    """Install the OCI runtime shim outside the checkout: a running engine must not depend on it."""
    target = folder / "runc-bounded"
    shutil.copyfile(ROOT / "images" / "engine" / "runc-bounded", target)
    target.chmod(0o755)
    return target


def _last_word(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1]} (log: {log})" if lines else f"no output (log: {log})"


def stop_engine() -> bool:
    """Stop the engine that this project started, if it did; tell whether there was one to stop."""
    pid = _our_engine()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return True


def _our_engine() -> int | None:
    """Return the process of the engine that was started here; None when it is gone, or its number is another's now."""
    try:
        pid = int(_pidfile().read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except (OSError, ValueError):
        return None
    return pid if str(_pidfile()) in command else None


def _pidfile() -> Path:
    return cached("engine") / "dockerd.pid"


def docker(*arguments: str, timeout_seconds: float = 120.0, stdin: str | bytes | None = None) -> str:
    """Run the Docker client and return its output."""
    return capture("docker", *arguments, timeout_seconds=timeout_seconds, stdin=stdin)
