"""Connections that nobody answered: found among all that are tracked, and forgotten without any other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from seatrial.cluster.connections import FORGET, LIST

TRACKED = """\
tcp      6 92 SYN_SENT src=10.244.0.5 dst=10.96.0.7 sport=40001 dport=80 [UNREPLIED] src=10.244.1.9 dst=10.244.0.5
tcp      6 91 SYN_SENT src=10.244.0.5 dst=10.96.0.7 sport=40003 dport=80 [UNREPLIED] src=10.244.1.9 dst=10.244.0.5
tcp      6 119 SYN_SENT src=10.244.0.5 dst=10.96.0.7 sport=40005 dport=80 [UNREPLIED] src=10.244.2.3 dst=10.244.0.5
"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder with a tool that lists what is tracked, and notes what it is asked to delete."""
    tool = tmp_path / "conntrack"
    (tmp_path / "tracked").write_text(TRACKED)
    tool.write_text(f'#!/bin/sh\n[ "$1" = -L ] && exec cat {tmp_path}/tracked\necho "$@" >> {tmp_path}/deleted\n')
    tool.chmod(0o755)
    return tmp_path


def run(script: str, folder: Path) -> str:
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=False
    ).stdout


def test_only_those_that_were_given_up_are_found(node: Path) -> None:
    assert run(LIST, node) == "unanswered src=10.244.1.9 2\n"


def test_all_of_a_replica_that_did_not_answer_are_forgotten_at_once(node: Path) -> None:
    assert run(FORGET, node) == ""
    assert (node / "deleted").read_text() == "-D -p tcp --state SYN_SENT --reply-src 10.244.1.9\n"


def test_a_node_without_the_tool_has_none(tmp_path: Path) -> None:
    for name in ("bash", "awk"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    found = subprocess.run(["/bin/bash", "-c", LIST], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert found.stdout == ""
