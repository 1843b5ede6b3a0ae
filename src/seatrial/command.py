"""Running other programs: captured for small answers, logged to a file for long work."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial.errors import EnvironmentFault


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def capture(
    *argv: str | Path,
    stdin: str | bytes | None = None,
    timeout_seconds: float = 120.0,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its standard output; EnvironmentFault with its own words when it fails."""
    command = [str(part) for part in argv]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=timeout_seconds, check=False, env=_env(env)
        )
    except FileNotFoundError as error:
        raise EnvironmentFault(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"{' '.join(command[:4])}: no answer in {timeout_seconds:g} s") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise EnvironmentFault(f"{' '.join(command[:4])}: {words.splitlines()[-1] if words else done.returncode}")
    return done.stdout.decode(errors="replace")


def succeeds(*argv: str | Path, timeout_seconds: float = 30.0) -> bool:
    """Tell whether a program exists, ends in time and says 0."""
    try:
        capture(*argv, timeout_seconds=timeout_seconds)
    except EnvironmentFault:
        return False
    return True


def logged(
    argv: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_seconds: float = 3600.0,
    stdin: Path | None = None,
) -> None:
    """Run long work with all its output in ``log``; an error names the log and shows its last lines.

    The program gets a process group of its own, which is ended when the caller is interrupted: nothing runs on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(part) for part in argv]
    with log.open("ab") as output, (stdin or Path(os.devnull)).open("rb") as source:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        try:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=source,
                env=_env(env),
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise EnvironmentFault(f"{command[0]} is not installed") from error
        try:
            code = process.wait(timeout_seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise EnvironmentFault(
                    f"{command[0]} did not end in {timeout_seconds:g} s; its output is in {log}"
                ) from error
            raise
    if code != 0:
        raise EnvironmentFault(
            f"{Path(command[0]).name} ended with {code}; its output is in {log}, last lines:\n"
            + _tail(log.read_text(errors="replace"))
        )


def _env(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return {**os.environ, **extra} if extra else None
