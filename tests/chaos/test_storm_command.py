"""``seatrial chaos storm``: bad input is one line, a dry run tells the schedule, and 0 means that all passed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from histories import history, run
from stakes import pod

from seatrial.chaos import storm_command, storm_run
from seatrial.chaos.history import History
from seatrial.chaos.targets import Targets
from seatrial.cluster.client import Cluster
from seatrial.errors import Failure, GuardRefusal, Verdict
from seatrial.paths import ROOT
from seatrial.system_file import load_system

Told = tuple[int, str, str]


@pytest.fixture
def storm(seatrial: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Told]:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    def told(*arguments: str) -> Told:
        return seatrial("chaos", "storm", f"--reports={tmp_path}", *arguments)

    return told


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A cluster in which storms may be made; what comes of one is ``history``."""
    asked: dict[str, Any] = {"history": history(), "wishes": []}

    def plan(experiment: Any, cluster: Any, system: Any, file: Any, wish: Any) -> Any:
        asked["wishes"].append((experiment.name, wish.seed))
        if "refusal" in asked:
            raise asked["refusal"]
        return SimpleNamespace(targets=Targets((pod("auth-1"),), places=("auth 1/3",)))

    def blow(*_: Any) -> History:
        asked["blown"] = True
        return asked["history"]  # type: ignore[no-any-return]

    cluster = Cluster(Path("/no/kubeconfig"), Path("/no/kubectl"))
    monkeypatch.setattr(storm_command, "connect", lambda *_: cluster)
    monkeypatch.setattr(storm_command, "kind_cluster_of", lambda _: True)
    monkeypatch.setattr(storm_run, "make_plan", plan)
    monkeypatch.setattr(storm_command, "refuse_unfit", lambda _: None)
    monkeypatch.setattr(storm_command, "versions_of", lambda _: {"kubernetes": "v1"})
    monkeypatch.setattr(storm_command, "customers_for", lambda *_: None)
    monkeypatch.setattr(storm_command, "run_storm", blow)
    return asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--users=0"], "--users 0: out of bounds; give 1 to 1,000"),
        (["--name=none"], "no cluster named none was created here; run 'seatrial up'"),
        (["--overlay=nope"], "--overlay nope: no kustomization.yaml in "),
        (["--system=/no.yaml"], "/no.yaml: there is no such file; "),
    ],
)
def test_bad_input_is_one_line(storm: Callable[..., Told], arguments: list[str], told: str) -> None:
    code, out, err = storm("--minutes=30", *arguments)
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"seatrial: {told}")
    assert code in (2, 10)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--minutes=30", "--only=pod-kil"], "--only pod-kil: no experiment of that name says 'storm: true'; did you"),
        (["--minutes=5", "--only=pod-kill"], "--minutes 5: pod-kill, the first of this seed, may take 9.2; give more "),
    ],
)
def test_what_cannot_be_is_one_line(
    storm: Callable[..., Told], shop: dict[str, Any], arguments: list[str], told: str
) -> None:
    code, out, err = storm(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"seatrial: {told}")
    assert "blown" not in shop


def test_a_dry_run_tells_the_schedule_and_a_seed_repeats_it(storm: Callable[..., Told], shop: dict[str, Any]) -> None:
    code, out, _ = storm("--minutes=12", "--seed=7", "--dry-run")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("Storm of seed 7, at most ")
    assert lines[1].endswith(": auth 1/3 (now auth-1)")
    assert lines[-2:] == [
        "The seed repeats order and places, in the order of restarts and name; names of pods differ between runs",
        "Dry run: nothing was touched",
    ]
    assert storm("--minutes=12", "--seed=7", "--dry-run") == (0, out, "")
    assert storm("--minutes=12", "--seed=8", "--dry-run")[1] != out
    assert "blown" not in shop


def test_a_guard_that_refuses_is_told_before_anybody_is_sent(
    storm: Callable[..., Told], shop: dict[str, Any], tmp_path: Path
) -> None:
    shop["refusal"] = GuardRefusal("namespace shop does not bear the label")
    assert storm("--minutes=30")[::2] == (11, "seatrial: namespace shop does not bear the label\n")
    assert list(tmp_path.iterdir()) == []


LEFT = (Failure("a fault is left behind", "nothing left to undo", "still to do: uncordon worker"),)


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({}, 0, Verdict.PASSED),
        ({"left": LEFT}, 1, Verdict.FAILED),
        ({"troubles": ("the load died",)}, 1, Verdict.INCONCLUSIVE),
        ({"interrupted": True}, 130, Verdict.INCONCLUSIVE),
        ({"runs": (run(verdict=Verdict.FAILED),)}, 1, Verdict.FAILED),
    ],
)
def test_only_a_storm_that_passed_is_nought(
    storm: Callable[..., Told], shop: dict[str, Any], tmp_path: Path, changes: Any, code: int, verdict: Verdict
) -> None:
    shop["history"] = replace(shop["history"], **changes)
    ended, out, _ = storm("--minutes=30", "--seed=7", "--only=pod-kill", "--only=process-crash")
    (folder,) = tmp_path.glob("storm-*")
    assert ended == code
    assert out.startswith(f"{verdict.upper()} storm of seed 7 (")
    assert (folder / "summary.txt").read_text() == out
    facts = json.loads((folder / "storm.json").read_text())
    assert (facts["verdict"], facts["settings"]["chosen from"]) == (verdict, ["pod-kill", "process-crash"])
    assert (folder / "load" / "load.html").exists()


def test_what_is_not_here_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    system, cluster = load_system(ROOT / "system.yaml"), Cluster(Path("/no/kubeconfig"), Path("/no/kubectl"))
    monkeypatch.setattr(storm_command, "kind_cluster_of", lambda _: None)
    assert storm_command.present(cluster, system, "baseline", through_gateway=False) == {"faults"}
    assert storm_command.present(cluster, system, "istio", through_gateway=True) == {"faults", "gateway", "mesh"}
