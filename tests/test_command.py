"""Other programs: their words when they fail, their bounds, and no process that is left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from seatrial.command import capture, logged, succeeds
from seatrial.errors import EnvironmentFault


def failure(*argv: str, **options: float) -> str:
    with pytest.raises(EnvironmentFault) as caught:
        capture(*argv, **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("stdin", ["größe", "größe".encode()])
def test_output_is_returned_and_input_is_handed_in(stdin: str | bytes) -> None:
    assert capture("cat", stdin=stdin) == "größe"


def test_variables_are_added_to_those_there_are() -> None:
    assert capture("sh", "-c", 'echo "$EXTRA $HOME"', env={"EXTRA": "more"}) == f"more {os.environ['HOME']}\n"


def test_output_that_is_no_text_is_no_error() -> None:
    assert capture("printf", r"a\377b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo working; echo warning >&2; echo 'no such image' >&2; exit 1", "no such image"),
        ("echo 'told on the wrong stream'; exit 1", "told on the wrong stream"),
        ("exit 3", "3"),
    ],
)
def test_a_failure_is_told_in_the_programs_last_words(script: str, words: str) -> None:
    assert failure("sh", "-c", script) == f"sh -c {script}: {words}"


def test_only_the_beginning_of_a_command_is_told() -> None:
    assert failure("sh", "-c", "exit 1", "name", "secret") == "sh -c exit 1 name: 1"


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert failure("no-such-program", "--flag") == "no-such-program is not installed"
    with pytest.raises(EnvironmentFault, match="no-such-program is not installed"):
        logged(["no-such-program"], tmp_path / "log")


def test_a_program_that_does_not_answer_is_ended() -> None:
    began = time.monotonic()
    assert failure("sleep", "30", timeout_seconds=0.2) == "sleep 30: no answer in 0.2 s"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("argv", "good"), [(["true"], True), (["false"], False), (["no-such-program"], False)])
def test_a_question_is_answered_by_the_exit_code(argv: list[str], good: bool) -> None:
    assert succeeds(*argv) is good
    assert succeeds("sleep", "30", timeout_seconds=0.1) is False


def test_long_work_leaves_command_and_output_in_its_log(tmp_path: Path) -> None:
    log, source = tmp_path / "logs" / "work.log", tmp_path / "source"
    source.write_text("handed in\n")
    logged(["sh", "-c", "cat; pwd; echo $EXTRA >&2"], log, env={"EXTRA": "more"}, cwd=tmp_path, stdin=source)
    logged(["echo", "again"], log)
    assert log.read_text() == (f"$ sh -c cat; pwd; echo $EXTRA >&2\nhanded in\n{tmp_path}\nmore\n$ echo again\nagain\n")


def test_long_work_that_fails_is_told_by_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "work.log"
    with pytest.raises(EnvironmentFault) as caught:
        logged(["/bin/sh", "-c", "seq 20; exit 4"], log)
    lines = "\n".join(f"    {number}" for number in range(9, 21))
    assert str(caught.value) == f"sh ended with 4; its output is in {log}, last lines:\n{lines}"


PARENT = "sh -c 'echo $$ >child; exec sleep 60' & wait"


def child_of(folder: Path) -> int:
    deadline = time.monotonic() + 10
    while not (folder / "child").exists() or not (folder / "child").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int((folder / "child").read_text())


def is_gone(process: int) -> bool:
    """Answer whether a process has ended within a moment; one that nobody waits for is a zombie."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_long_work_beyond_its_bound_is_ended_with_all_its_children(tmp_path: Path) -> None:
    log = tmp_path / "work.log"
    with pytest.raises(EnvironmentFault) as caught:
        logged(["sh", "-c", PARENT], log, cwd=tmp_path, timeout_seconds=1)
    assert str(caught.value) == f"sh did not end in 1 s; its output is in {log}"
    assert is_gone(child_of(tmp_path))


def test_an_interruption_ends_long_work_with_all_its_children(tmp_path: Path) -> None:
    def interrupt() -> None:
        child_of(tmp_path)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            logged(["sh", "-c", PARENT], tmp_path / "work.log", cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert is_gone(child_of(tmp_path))


def test_long_work_does_not_wait_for_a_person(tmp_path: Path) -> None:
    logged([sys.executable, "-c", "import sys; assert sys.stdin.read() == ''"], tmp_path / "log", timeout_seconds=10)
