"""Busy loops in a control group: where it is, how its use is read, and that the loops really run and end."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from seatrial.cluster import stress
from seatrial.cluster.stress import BURN, Group, cpu_seconds, group_of
from seatrial.errors import EnvironmentFault
from seatrial.waiting import eventually

POD = "/kubelet.slice/kubelet-pod1.slice/cri-containerd-abc.scope"


def test_the_first_version_has_a_group_for_the_limit_and_one_for_the_count() -> None:
    text = f"9:name=systemd:{POD}\n4:memory:{POD}\n3:cpuset:{POD}\n2:cpuacct:{POD}\n1:cpu:{POD}\n0::{POD}\n"
    folders = (f"/sys/fs/cgroup/cpuacct{POD}", f"/sys/fs/cgroup/cpu{POD}")
    assert group_of(text) == Group(folders, f"/sys/fs/cgroup/cpuacct{POD}/cpuacct.usage")


def test_both_may_be_one() -> None:
    folder = f"/sys/fs/cgroup/cpu,cpuacct{POD}"
    assert group_of(f"4:cpu,cpuacct:{POD}\n") == Group((folder,), f"{folder}/cpuacct.usage")


def test_the_second_version_has_one_for_everything() -> None:
    assert group_of(f"0::{POD}\n") == Group((f"/sys/fs/cgroup{POD}",), f"/sys/fs/cgroup{POD}/cpu.stat")


def test_a_process_without_such_a_group_is_told() -> None:
    with pytest.raises(EnvironmentFault, match="no control group of the cores in '4:memory:/x'"):
        group_of("4:memory:/x\n")


def test_both_counters_are_read_in_seconds() -> None:
    assert cpu_seconds("2500000000\n") == 2.5
    assert cpu_seconds("usage_usec 2500000\nuser_usec 2000000\nnr_throttled 7\n") == 2.5


def test_a_counter_that_says_nothing_is_told() -> None:
    with pytest.raises(EnvironmentFault, match="no use of the cores in 'nr_periods 1'"):
        cpu_seconds("nr_periods 1\n")


def test_a_container_without_a_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stress, "node_exec", lambda node, *what: "\n")
    with pytest.raises(EnvironmentFault, match=r"^container 0123456789ab has no process on worker$"):
        stress.used_cpu_seconds("worker", "0123456789abcdef")


def burn(folder: Path, seconds: str) -> str:
    """Start one loop by this machine's own shell, in a folder that stands for the control group."""
    (folder / "cgroup.procs").touch()
    subprocess.run(["bash", "-c", BURN, "burn", folder.name, "1", seconds, str(folder)], check=True, timeout=10)
    return f"{stress.NAME}-{folder.name}"


def test_the_loops_enter_the_group_and_end_by_themselves(tmp_path: Path) -> None:
    name = burn(tmp_path, "0.5")
    assert (tmp_path / "cgroup.procs").read_text().strip().isdigit()
    wait_for_the_end_of(name)


@pytest.mark.skipif(not shutil.which("pkill"), reason="nodes have it, this machine has not")
def test_the_loops_are_ended_before_their_time_and_bear_the_mark(tmp_path: Path) -> None:
    name = burn(tmp_path, "60")
    [loop] = eventually(lambda: _processes(name), until=bool, within_seconds=10, what="the loop")
    assert f"\0{stress.MARK}=stress\0".encode() in b"\0" + (loop.parent / "environ").read_bytes()
    for _ in range(2):
        subprocess.run(["bash", "-c", stress.END, "end", name], check=True, timeout=10)
    wait_for_the_end_of(name)


def wait_for_the_end_of(name: str) -> None:
    deadline = time.monotonic() + 20
    while _processes(name):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_group_that_cannot_be_entered_starts_nothing(tmp_path: Path) -> None:
    command = ["bash", "-c", BURN, "burn", tmp_path.name, "1", "1", str(tmp_path / "gone")]
    assert subprocess.run(command, check=False, timeout=10, capture_output=True).returncode == 1
    assert not _processes(f"{stress.NAME}-{tmp_path.name}")


def _processes(name: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if _read(path).startswith(name.encode())]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""
