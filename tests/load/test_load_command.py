"""``seatrial load``: bad input is one line and nothing is started; a load leaves its results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shop import SYSTEM, Shop, open_shop

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.load import command, target
from seatrial.load.target import Target
from seatrial.observe.way_in import WayIn
from seatrial.paths import ROOT
from seatrial.waiting import eventually

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a cluster, whose handlers of signals are as they were."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(seatrial: Run, tmp_path: Path) -> Run:
    def load(*arguments: str) -> tuple[int, str, str]:
        return seatrial("load", f"--reports={tmp_path / 'reports'}", *arguments)

    return load


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--users=0"], "--users 0: out of bounds; give 1 to 1,000"),
        (["--minutes=1", "--seconds=5"], "--minutes and --seconds both say how long; give one of them"),
        (["--minutes=300"], "the load is to last 18000 s: out of bounds; give 1 s to 240 minutes"),
        (["--journey=fly"], "--journey 'fly': no such step; choose from log in, list leads, read a lead, "),
        (["--overlay=nope"], f"--overlay nope: no kustomization.yaml in {ROOT}/manifests/overlays/nope; give "),
        (["--overlay=baseline", "--through-gateway"], "--through-gateway: overlay baseline promises no gateway: "),
        (["--overlay=istio", "--by-service"], "--by-service: the services of overlay istio speak mutual TLS only; "),
        (["--cluster=theirs"], "--cluster theirs: no such cluster; give kind or current"),
        (["--system=/no/such.yaml"], "/no/such.yaml: there is no such file; "),
        (["--reports=/dev/null/load"], "--reports /dev/null/load: cannot be written: Not a directory; "),
        (["--timeline=/no/such/t.jsonl"], "--timeline /no/such/t.jsonl: there is no folder /no/such; "),
        (["--context=staging"], "--context staging: no kubeconfig at "),
        (["--cluster=current"], "--cluster current: no kubeconfig at "),
    ],
)
def test_bad_input_is_one_line(run: Run, arguments: list[str], told: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"seatrial: {told}")


def test_a_cluster_that_is_not_there_is_one_line(run: Run) -> None:
    told = "seatrial: no cluster named none was created here; run 'seatrial up'\n"
    assert run("--name=none") == (10, "", told)


def test_a_cluster_that_is_not_ours_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: theirs\n"
        "contexts: [{name: theirs, context: {cluster: theirs, user: me}}]\n"
        "clusters: [{name: theirs, cluster: {server: 'http://127.0.0.1:9'}}]\nusers: [{name: me, user: {}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    code, out, err = run("--context=theirs", "--workers=2")
    assert (code, out) == (GuardRefusal.exit_code, "")
    assert err.startswith("seatrial: the cluster of ")


@pytest.fixture
def described(tmp_path: Path) -> Path:
    file = tmp_path / "system.yaml"
    file.write_text(SYSTEM)
    return file


def aimed_at(monkeypatch: pytest.MonkeyPatch, way: WayIn, *, ours: bool = True) -> None:
    """Have a cluster whose customers come in by this way."""
    cluster = Cluster(Path("/no/kubeconfig"), Path("/no/kubectl"))
    monkeypatch.setattr(command, "find_target", lambda *_: Target(cluster, "kind shop", ours))
    monkeypatch.setattr(command, "kubernetes_version", lambda _: "v1.37.2")
    monkeypatch.setattr(target, "observe_way_in", lambda *_, **__: way)
    monkeypatch.setattr(target, "observe_way_inside", lambda *_, **__: way)


def flags(described: Path) -> tuple[str, str]:
    return f"--system={described}", "--overlay=baseline"


def test_a_target_that_is_down_is_told_before_anything_is_started(
    run: Run, monkeypatch: pytest.MonkeyPatch, described: Path, tmp_path: Path
) -> None:
    aimed_at(monkeypatch, WayIn(dict.fromkeys(("auth", "items"), "http://127.0.0.1:9")))
    told = "seatrial: nobody answers at http://127.0.0.1:9 (auth, items): Connection refused; nothing was started; "
    code, out, err = run(*flags(described))
    assert (code, out, err) == (10, "", f"{told}run 'seatrial up', or see 'seatrial status'\n")
    assert not list((tmp_path / "reports").glob("load.*"))


def test_only_services_that_the_journey_asks_need_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch, described: Path, shop: Shop
) -> None:
    aimed_at(monkeypatch, WayIn({"auth": shop.url, "items": shop.url, "users": "http://127.0.0.1:9"}))
    assert run(*flags(described), "--users=1", "--seconds=1")[0] == 0


def test_workers_on_a_cluster_of_others_need_an_image_of_a_registry(
    run: Run, monkeypatch: pytest.MonkeyPatch, described: Path
) -> None:
    aimed_at(monkeypatch, WayIn({}), ours=False)
    code, _, err = run(*flags(described), "--workers=2")
    assert (code, err) == (
        2,
        "seatrial: --workers on the cluster of kind shop: its nodes get images from a registry only; "
        "push what 'python -m seatrial.cluster.load_image' makes, and give its name there as --image\n",
    )


def test_an_image_that_is_given_is_not_made(run: Run, monkeypatch: pytest.MonkeyPatch, described: Path) -> None:
    given: list[Any] = []

    def refuse(*_: Any, image: str, **__: Any) -> Any:
        given.append(image)
        raise EnvironmentFault("enough")

    aimed_at(monkeypatch, WayIn({}), ours=False)
    monkeypatch.setattr(target, "ClusterLoad", refuse)
    monkeypatch.setattr(target, "ensure_load_image", lambda _: pytest.fail("was made"))
    assert run(*flags(described), "--workers=2", "--image=registry.test/load:1")[0] == 10
    assert given == ["registry.test/load:1"]


def test_a_load_tells_what_became_of_it_and_leaves_its_results(
    run: Run, monkeypatch: pytest.MonkeyPatch, described: Path, shop: Shop, tmp_path: Path
) -> None:
    aimed_at(monkeypatch, WayIn({"auth": shop.url, "items": shop.url}))
    code, out, err = run(*flags(described), "--users=2", "--seconds=2", "--journey=look=3")
    assert code == 0, err
    facts = json.loads((tmp_path / "reports" / "load.json").read_text())
    first, second, third = out.splitlines()
    assert first.startswith(f"{facts['all']['requests']} requests, ")
    assert first.endswith(" a second, 0 failed")
    assert second.startswith("Latency of those that succeeded: p50 ")
    assert third == f"Results: {tmp_path}/reports/load.html, and the same as data beside it"
    assert set(facts["steps"]) == {"log in", "look"}
    assert facts["settings"] | {"overlay": "", "journey": {}} == {
        "system": "shop",
        "cluster": "kind shop",
        "overlay": "",
        "way in": "to each service",
        "users": 2,
        "users begin in a second": 2,
        "seconds": 2.0,
        "workers": 0,
        "journey": {},
    }
    assert facts["settings"]["journey"] == {"look": 3}
    assert facts["versions"]["kubernetes"] == "v1.37.2"


CHILD = """
import sys
from pathlib import Path
from seatrial import cli
from seatrial.cluster.client import Cluster
from seatrial.load import command, target
from seatrial.observe.way_in import WayIn
cluster = Cluster(Path("/no/kubeconfig"), Path("/no/kubectl"))
command.find_target = lambda *_: target.Target(cluster, "kind shop", True)
command.kubernetes_version = lambda _: "v1.37.2"
way = WayIn(dict.fromkeys(("auth", "items"), sys.argv[1]))
target.observe_way_in = lambda *_, **__: way
sys.argv = ["seatrial", "load", *sys.argv[2:]]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_ends_the_load_and_keeps_its_results(
    described: Path, shop: Shop, tmp_path: Path, number: signal.Signals
) -> None:
    reports = tmp_path / "reports"
    arguments = [shop.url, *flags(described), "--users=1", "--minutes=5", f"--reports={reports}"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in the foreground of a terminal
    )
    try:
        records = reports / "work" / "load.csv"
        rows = lambda: len(records.read_text().splitlines()) if records.exists() else 0  # noqa: E731
        eventually(rows, until=lambda seen: seen > 3, within_seconds=60, what="requests")
        child.send_signal(number)
        out, err = child.communicate(timeout=40)
    finally:
        child.kill()
    assert child.returncode == 130
    assert err.splitlines()[-1] == "seatrial: interrupted; the results tell what was until then"
    assert f"Results: {reports}/load.html" in out
    facts = json.loads((reports / "load.json").read_text())
    assert facts["notes"] == ["interrupted; the results tell what was until then"]
    assert facts["all"]["requests"] > 0
    asked = sum(shop.answered.values())
    time.sleep(0.5)
    assert sum(shop.answered.values()) == asked, "nobody uses the shop any more"
