"""Burning a container's share of the cores from its node: real work in its control group, whatever its image holds."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.cluster.nodes import node_exec
from seatrial.errors import EnvironmentFault

ROOT = "/sys/fs/cgroup"
CONTROLLERS = ("cpu", "cpuacct")
"""Of cgroup v1: the group that is throttled, and the one that counts; they may be one."""
NAME = "seatrial-stress"
"""Under which a busy loop shows itself on the node, with its container's id."""
MARK = "SEATRIAL_CHAOS"
"""Environment variable of every process that a fault starts on a node: healing finds it by that."""
BURN = f"""
name={NAME}-$1 workers=$2 seconds=$3; shift 3
export {MARK}=stress
for group; do echo $$ > "$group/cgroup.procs" || exit 1; done
for ((each = 0; each < workers; each++)); do
  (exec -a "$name" timeout "$seconds" bash -c 'while :; do :; done') < /dev/null > /dev/null 2>&1 &
done
"""
"""Each worker ends by itself, whatever becomes of those who started it."""

END = 'pkill --full "^$1 "; true'


@dataclass(frozen=True, slots=True)
class Group:
    """Where a container's use of the cores is bounded and counted on its node."""

    folders: tuple[str, ...]
    """A process that enters all of them counts as the container's."""
    usage: str
    """File that tells how much was used."""


def burn(node: str, container_id: str, *, workers: int, seconds: float) -> None:
    """Have so many busy loops run in a container's control group for so long; does not wait.

    Raises EnvironmentFault when the container has no process, or its group is not to be found.
    """
    folders = _group(node, container_id).folders
    node_exec(node, "bash", "-c", BURN, "burn", container_id, str(workers), f"{seconds:g}", *folders)


def end_burn(node: str, container_id: str) -> None:
    """End the busy loops of a container; nothing when there are none."""
    node_exec(node, "bash", "-c", END, "end", f"{NAME}-{container_id}")


def used_cpu_seconds(node: str, container_id: str) -> float:
    """Return how many seconds of a core a container has used since its start."""
    return cpu_seconds(node_exec(node, "cat", _group(node, container_id).usage))


def group_of(text: str) -> Group:
    """Return the control group of a process by its ``/proc/<pid>/cgroup``, for both versions (cgroups(7))."""
    lines = (line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2)
    paths = {controllers: path for _, controllers, path in lines}
    folders = {
        each: f"{ROOT}/{controllers}{path}"
        for controllers, path in paths.items()
        for each in controllers.split(",")
        if each in CONTROLLERS
    }
    if "cpuacct" in folders:
        return Group(tuple(dict.fromkeys(folders.values())), f"{folders['cpuacct']}/cpuacct.usage")
    if "" in paths:
        return Group((f"{ROOT}{paths['']}",), f"{ROOT}{paths['']}/cpu.stat")
    raise EnvironmentFault(f"no control group of the cores in {text.strip()!r}")


def cpu_seconds(text: str) -> float:
    """Read ``cpuacct.usage`` (nanoseconds; cgroup v1) or ``cpu.stat`` (a line ``usage_usec``; cgroup v2)."""
    if text.strip().isdigit():
        return int(text) / 1e9
    for name, _, value in (line.partition(" ") for line in text.splitlines()):
        if name == "usage_usec":
            return int(value) / 1e6
    raise EnvironmentFault(f"no use of the cores in {text.strip()[:80]!r}")


def _group(node: str, container_id: str) -> Group:
    script = "ctr --namespace=k8s.io tasks ps $1 | awk 'NR == 2 {print $1}'"
    pid = node_exec(node, "bash", "-c", script, "first", container_id).strip()
    if not pid:
        raise EnvironmentFault(f"container {container_id[:12]} has no process on {node}")
    return group_of(node_exec(node, "cat", f"/proc/{pid}/cgroup"))
