"""What a node is like, from what the engine and one look inside say."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from seatrial.cluster import node_state
from seatrial.cluster.node_state import LOOK, Inside, inside_of, observe_container, observe_inside
from seatrial.errors import GuardRefusal

QUIET = "kubelet active\n"
DISTURBED = """\
kubelet inactive
stopped 4711 uvicorn
stopped 4712 kube-proxy
stress 99
rule - filter -A FORWARD -m comment --comment seatrial -j DROP
unanswered src=10.244.1.9 269
unanswered src=10.244.1.3 31
"""


def test_a_quiet_node_has_nothing_to_heal() -> None:
    assert inside_of("worker", QUIET) == Inside("worker", "active", (), (), ())


def test_all_that_is_found_is_told() -> None:
    found = inside_of("worker", DISTURBED)
    assert (found.kubelet, found.stopped, found.stress) == (
        "inactive",
        ((4711, "uvicorn"), (4712, "kube-proxy")),
        (99,),
    )
    assert [rule.comment for rule in found.rules] == ["seatrial"]
    assert found.unanswered == 300


def test_a_look_that_says_nothing_tells_nothing() -> None:
    assert inside_of("worker", "kubelet \n") == Inside("worker", "", (), (), ())


def test_the_look_is_one_command_without_anything_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(node_state, "node_exec", lambda *argv: ran.append(argv) or QUIET)
    assert observe_inside("worker").kubelet == "active"
    assert ran == [("worker", "bash", "-c", LOOK)]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on PATH")
def test_the_look_is_a_script_that_bash_understands() -> None:
    assert subprocess.run(["bash", "-n", "-c", LOOK], check=False).returncode == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this machine")
def test_a_stopped_process_and_one_of_stress_are_found_on_this_very_machine() -> None:
    stress = subprocess.Popen(["sleep", "60"], env={"SEATRIAL_CHAOS": "1", "PATH": "/usr/bin:/bin"})
    stopped = subprocess.Popen(["sh", "-c", "kill -STOP $$"])
    try:
        while f"{stopped.pid} (sh) T" not in Path(f"/proc/{stopped.pid}/stat").read_text():
            pass
        text = subprocess.run(["bash", "-c", LOOK], capture_output=True, text=True, check=True).stdout
        found = inside_of("here", text)
        assert (stopped.pid, "sh") in found.stopped
        assert stress.pid in found.stress
    finally:
        for process in (stress, stopped):
            process.kill()
            process.wait()


def test_the_engine_tells_status_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = {"kind": {"IPAddress": "172.18.0.3"}, "other": {"IPAddress": None}}
    told = [{"State": {"Status": "paused"}, "NetworkSettings": {"Networks": networks}}]
    monkeypatch.setattr(node_state, "require_owned_node", lambda _: None)
    monkeypatch.setattr(node_state, "docker", lambda *_: json.dumps(told))
    found = observe_container("worker")
    assert (found.status, found.address("kind"), found.address("other"), found.address("none")) == (
        "paused",
        "172.18.0.3",
        "",
        None,
    )


def test_a_container_that_is_no_node_of_ours_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(node_state, "require_owned_node", refuse)
    monkeypatch.setattr(node_state, "docker", lambda *_: pytest.fail("asked"))
    with pytest.raises(GuardRefusal):
        observe_container("database")
