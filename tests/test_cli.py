"""The command: bad input and a bad environment are one line each and the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial import cli
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.up import Wanted
from seatrial.contract import Recorded, answers_path
from seatrial.errors import Failed, Failure
from seatrial.observe.way_in import WayIn
from seatrial.paths import ROOT
from seatrial.progress import Phases
from seatrial.waiting import eventually

Run = Callable[..., tuple[int, str, str]]
NO_ENGINE = (
    "seatrial: no Docker engine on this host, and it is installed by itself only on Debian as root; "
    "install and start Docker, then run the same command again\n"
)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any program, and with a cache of its own; returns the folder of its programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return programs


@pytest.fixture
def run(seatrial: Run) -> Run:
    return seatrial


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--overlay=nope"], f"--overlay nope: no kustomization.yaml in {ROOT}/manifests/overlays/nope; give "),
        (["--name=A b"], "--name A b: not a cluster name; use lower-case letters, digits and dashes\n"),
        (["--supply=fetch"], "--supply fetch: no such supply; give auto, pull or build\n"),
        (
            ["--supply=build", "--mirror=127.0.0.1:5000"],
            "--mirror serves the pull supply only; leave out --mirror, or give --supply pull\n",
        ),
        (["--system=/no/such.yaml"], "/no/such.yaml: there is no such file; write it as docs/configuration.md shows\n"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_started(
    run: Run, machine: Path, arguments: list[str], told: str
) -> None:
    called = machine / "called"
    (machine / "docker").write_text(f"#!/bin/sh\necho >{called}\nexit 1\n")
    (machine / "docker").chmod(0o755)
    code, out, err = run("up", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"seatrial: {told}")
    assert err.count("\n") == 1
    assert not called.exists()


@pytest.mark.parametrize("command", ["up", "status"])
def test_a_broken_description_is_told_line_by_line(run: Run, tmp_path: Path, command: str) -> None:
    file = tmp_path / "system.yaml"
    file.write_text(
        "name: shop\nnamespace: shop\nservices:\n  - name: web\n  - name: items\n    port: http\n    prt: 80\n"
    )
    code, out, err = run(command, f"--system={file}")
    assert (code, out) == (2, "")
    assert [line.removeprefix("seatrial: ").split(":")[1] for line in err.splitlines()] == ["6", "7"]
    assert "services[1].port: 'http' is not a port; give an integer from 1 to 65535\n" in err


@pytest.mark.parametrize("arguments", [["nonsense"], ["up", "--workers=0"], ["up", "--workers=ten"], ["up", "--nope"]])
def test_a_misused_command_tells_its_usage(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: ")
    assert "Traceback" not in err


def test_without_an_engine_up_says_what_to_install(run: Run) -> None:
    assert run("up") == (10, "", NO_ENGINE)


def test_an_engine_that_is_named_but_does_not_answer_is_not_replaced(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert run("up") == (
        10,
        "",
        "seatrial: no engine answers at DOCKER_HOST=tcp://127.0.0.1:9; start it, or unset DOCKER_HOST\n",
    )


def test_without_an_engine_nothing_is_there_to_remove(run: Run) -> None:
    assert run("down") == (0, "No cluster seatrial here\n", "")
    assert run("down", "--all") == (0, "No cluster seatrial here\nFreed 0 bytes\n", "")


def test_status_without_a_cluster_says_how_to_get_one(run: Run) -> None:
    assert run("status", "--name=none") == (
        10,
        "",
        "seatrial: no cluster named none was created here; run 'seatrial up'\n",
    )


def recorded(server: str) -> KindCluster:
    cluster = KindCluster("seatrial")
    cluster.folder.mkdir(parents=True)
    cluster.record.write_text(json.dumps({"image": "node:1", "workers": 2, "identity": {}}))
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": contexts}
    document |= {"clusters": [{"name": "c", "cluster": {"server": server}}], "users": [{"name": "u", "user": {}}]}
    cluster.kubeconfig.write_text(json.dumps(document))
    return cluster


def test_status_of_a_cluster_that_is_down_is_one_line(run: Run) -> None:
    recorded("http://127.0.0.1:9")
    code, out, err = run("status")
    assert (code, out) == (10, "")
    assert err.startswith("seatrial: cluster seatrial does not answer: ")
    assert err.endswith("Connection refused; run 'seatrial up'\n")
    assert err.count("\n") == 1


def test_status_of_a_cluster_without_its_kubeconfig_is_one_line(run: Run) -> None:
    cluster = recorded("http://127.0.0.1:9")
    cluster.kubeconfig.unlink()
    code, _, err = run("status")
    assert code == 10
    assert err.startswith(f"seatrial: kubeconfig {cluster.kubeconfig} cannot be used: ")


def test_a_full_disk_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> KindCluster:
        raise OSError(28, "No space left on device", "/cache/logs")

    monkeypatch.setattr(cli, "cluster_up", full)
    assert run("up") == (10, "", "seatrial: [Errno 28] No space left on device: '/cache/logs'\n")


def test_an_error_of_the_program_itself_is_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "cluster_up", lambda *_: {}["x"])
    with pytest.raises(KeyError):
        run("up")


def test_ctrl_c_is_one_line_and_leaves_no_program_running(machine: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    (machine / "docker").write_text(
        f"#!/bin/sh\necho $$ >{started}.part\n/bin/mv {started}.part {started}\nexec /bin/sleep 60\n"
    )
    (machine / "docker").chmod(0o755)
    child = subprocess.Popen(
        [sys.executable, "-c", "from seatrial.cli import main; main()", "up"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        restore_signals=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in the foreground of a terminal
    )
    try:
        eventually(started.exists, until=bool, within_seconds=20, what="the engine is asked", every_seconds=0.05)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=10)
    finally:
        child.kill()
    assert (child.returncode, out) == (130, "")
    assert err == "seatrial: interrupted; the same command goes on from here\n"
    program = Path("/proc", started.read_text().strip(), "stat")
    eventually(
        lambda: program.read_text().split()[2] if program.exists() else "gone",
        until=lambda state: state in ("gone", "Z"),
        within_seconds=5,
        what="the program",
    )


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have everything succeed; returns what was done."""
    done: list[str] = []

    def cluster_up(wanted: object, phases: Phases) -> KindCluster:
        done.append("cluster")
        phases.seconds["create cluster"] = 27.5
        return KindCluster("seatrial")

    monkeypatch.setattr(cli, "cluster_up", cluster_up)
    monkeypatch.setattr(cli, "platform_up", lambda *_: done.append("platform"))
    monkeypatch.setattr(cli, "system_objects", lambda *_: [])
    monkeypatch.setattr(cli, "system_up", lambda *_: done.append("system"))
    return done


@pytest.mark.parametrize(("flags", "parts"), [([], ["cluster", "platform", "system"]), (["--bare"], ["cluster"])])
def test_up_says_where_the_kubeconfig_is(run: Run, works: list[str], flags: list[str], parts: list[str]) -> None:
    code, out, err = run("up", *flags)
    assert (code, out, err) == (0, f"Cluster seatrial is up; kubeconfig: {KindCluster('seatrial').kubeconfig}\n", "")
    assert works == parts


@pytest.mark.parametrize(("overlay", "addons"), [("nginx", ()), ("istio", ("istio",))])
def test_what_an_overlay_stands_on_is_wanted_of_the_cluster_and_installed(
    run: Run, monkeypatch: pytest.MonkeyPatch, works: list[str], overlay: str, addons: tuple[str, ...]
) -> None:
    wanted: list[tuple[str, ...]] = []

    def cluster_up(asked: Wanted, phases: Phases) -> KindCluster:
        wanted.append(asked.addons)
        return KindCluster("seatrial")

    monkeypatch.setattr(cli, "cluster_up", cluster_up)
    monkeypatch.setattr(cli, "platform_up", lambda cluster, addons, phases: wanted.append(addons))
    assert run("up", f"--overlay={overlay}")[0] == 0
    assert wanted == [addons, addons]


def test_an_overlay_that_stands_on_what_there_is_not_is_one_line(run: Run, works: list[str], tmp_path: Path) -> None:
    for name, text in {"kustomization.yaml": "resources: []\n", "addons.yaml": "[linkerd]\n"}.items():
        (tmp_path / name).write_text(text)
    told = f"{tmp_path}/addons.yaml: ['linkerd'] is no list of add-ons; give for instance [istio]"
    assert run("up", f"--overlay={tmp_path}") == (2, "", f"seatrial: {told}\n")
    assert works == []


def test_up_writes_the_seconds_of_its_phases(run: Run, works: list[str], tmp_path: Path) -> None:
    assert run("up", f"--timings={tmp_path / 'timings.json'}")[0] == 0
    assert json.loads((tmp_path / "timings.json").read_text()) == {"create cluster": 27.5}


def test_timings_that_cannot_be_written_are_one_line(run: Run, works: list[str], tmp_path: Path) -> None:
    code, _, err = run("up", f"--timings={tmp_path / 'nowhere' / 'timings.json'}")
    assert code == 10
    assert err == f"seatrial: [Errno 2] No such file or directory: '{tmp_path}/nowhere/timings.json'\n"


def test_a_machine_that_lacks_something_is_told_how_to_mend_it(run: Run) -> None:
    code, out, err = run("doctor")
    assert (code, err) == (1, "")
    assert out.splitlines()[:2] == [
        "WRONG engine       no Docker engine answers",
        "                   mend: sudo systemctl start docker",
    ]


SHOP = "name: shop\nnamespace: shop\nservices: [{name: items, external: items-external}]\n"
CALLS = """\
headers: [content-type]
calls:
  - {name: list items, service: items, path: /items}
  - {name: read an item, service: items, path: /items/1}
"""
ANSWER = Recorded(status=200, headers={}, body=[1])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A description with the calls of its frontend beside it."""
    (tmp_path / "calls.yaml").write_text(CALLS)
    file = tmp_path / "system.yaml"
    file.write_text(f"{SHOP}frontend: calls.yaml\n")
    return file


def record_of(run: Run, system: Path, *flags: str) -> tuple[int, str, str]:
    return run("contract", "record", f"--system={system}", *flags)


def test_nothing_is_recorded_where_no_frontend_is_declared(run: Run, shop: Path) -> None:
    shop.write_text(SHOP)
    told = f"seatrial: {shop}: it declares no frontend; name the file of the frontend's calls there\n"
    assert record_of(run, shop) == (2, "", told)


def test_a_gateway_that_is_not_declared_cannot_be_asked(run: Run, shop: Path) -> None:
    told = f"seatrial: --through-gateway: {shop} declares no gateway; leave it out\n"
    assert record_of(run, shop, "--through-gateway") == (2, "", told)


def test_calls_that_are_not_there_are_one_line(run: Run, shop: Path) -> None:
    calls = shop.with_name("calls.yaml")
    calls.unlink()
    told = f"seatrial: {calls}: No such file or directory; name the file of the frontend's calls\n"
    assert record_of(run, shop) == (2, "", told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CALLS.replace("path: /items/1", "path: items"), "calls[1].path: give a path that begins with / and has no"),
        (CALLS.replace("service: items, path: /items/1", "service: item, path: /"), "calls[1].service: 'item' is not"),
        (CALLS.replace("read an item", "list items"), "two calls are named 'list items'; give each a name of its own"),
        ("{", "not YAML: while parsing a flow node expected the node content, but found '<stream end>'"),
    ],
)
def test_broken_calls_are_one_line_before_any_is_made(run: Run, shop: Path, text: str, told: str) -> None:
    calls = shop.with_name("calls.yaml")
    calls.write_text(text)
    code, out, err = record_of(run, shop)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"seatrial: {calls}: {told}")


def test_nothing_is_recorded_without_a_cluster(run: Run, shop: Path) -> None:
    told = "seatrial: no cluster named none was created here; run 'seatrial up --overlay baseline'\n"
    assert record_of(run, shop, "--name=none") == (10, "", told)


def test_nothing_is_recorded_of_a_cluster_that_is_down(run: Run, shop: Path) -> None:
    recorded("http://127.0.0.1:9")
    code, out, err = record_of(run, shop)
    assert (code, out, err.count("\n")) == (10, "", 1)
    assert err.startswith("seatrial: the addresses of the nodes cannot be read: ")
    assert not answers_path(shop.with_name("calls.yaml")).exists()


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recorded | str]:
    """A shop that is up; returns what it answers to each call."""
    recorded("http://127.0.0.1:9")
    answers: dict[str, Recorded | str] = {"list items": ANSWER, "read an item": ANSWER}
    monkeypatch.setattr(KindCluster, "connect", lambda _: None)
    monkeypatch.setattr(cli, "observe_way_in", lambda *_, through_gateway: WayIn({}))
    monkeypatch.setattr(cli, "send", lambda _http, _way, call, *_: answers[call.name])
    return answers


def test_answers_are_recorded_beside_their_calls(run: Run, shop: Path, answered: dict[str, Recorded | str]) -> None:
    path = answers_path(shop.with_name("calls.yaml"))
    assert record_of(run, shop) == (0, f"Recorded 2 answers in {path}\n", "")
    assert list(json.loads(path.read_text())) == ["list items", "read an item"]


def test_a_call_without_an_answer_keeps_what_was_recorded(
    run: Run, shop: Path, answered: dict[str, Recorded | str]
) -> None:
    path = answers_path(shop.with_name("calls.yaml"))
    path.write_text("{}\n")
    answered["read an item"] = "timed out"
    told = "seatrial: read an item: no answer: timed out; nothing was recorded\n"
    assert record_of(run, shop) == (10, "", told)
    assert path.read_text() == "{}\n"


def test_a_log_in_that_fails_is_told_without_a_traceback(
    run: Run, shop: Path, answered: dict[str, Recorded | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise Failed(Failure("auth (POST /login): no log-in", "HTTP 200", "HTTP 401"))

    monkeypatch.setattr(cli, "frontend_token", refuse)
    told = "seatrial: auth (POST /login): no log-in\n  expected  HTTP 200\n  observed  HTTP 401\n"
    assert record_of(run, shop) == (1, "", told)
    assert not answers_path(shop.with_name("calls.yaml")).exists()
