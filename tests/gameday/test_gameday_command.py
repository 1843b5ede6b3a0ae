"""``seatrial gameday``: bad input is one line, orders come from standard input, and a day leaves its record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from histories import WHOLE, Customers

from seatrial.chaos import series
from seatrial.chaos.outcome import Outcome
from seatrial.chaos.targets import Targets
from seatrial.cluster.client import Cluster
from seatrial.errors import GuardRefusal, Verdict
from seatrial.gameday import command
from seatrial.gameday import day as days

Told = tuple[int, str, str]
PLAN = """\
title: A <short> day
lead: Grace
approver: Ada
hypothesis: Nobody notices
experiments:
  - {name: pod-kill, expect: No <b>failed</b> request, pause_seconds: 0.5, seed: 7}
load: {users: 2, warm_up_seconds: 1}
stop: {error_ratio: 0.2, lost_seconds: 60, minutes: 5}
"""


@pytest.fixture
def gameday(
    seatrial: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Told]]:
    """Runs ``seatrial gameday`` here, with lines of standard input."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    plan = tmp_path / "day.yaml"
    plan.write_text(PLAN)
    listen, speak = os.pipe()
    said = os.fdopen(listen)
    monkeypatch.setattr(sys, "stdin", said)

    def told(*arguments: str, say: str = "") -> Told:
        os.write(speak, say.encode())
        return seatrial("gameday", str(plan), f"--reports={tmp_path / 'r'}", *arguments)

    yield told
    said.close()
    os.close(speak)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A cluster on which days may be held."""
    asked: dict[str, Any] = {"verdict": Verdict.PASSED, "reasons": ()}

    def plan(experiment: Any, cluster: Any, system: Any, file: Any, wish: Any) -> Any:
        if "refusal" in asked:
            raise asked["refusal"]
        asked["wish"] = wish
        return SimpleNamespace(experiment=experiment, targets=Targets((WHOLE[0],), places=("auth 1/2",)))

    def conduct(plan: Any, folder: Path, phases: Any) -> Outcome:
        asked["conducted"] = True
        phases.say("it is <done>")
        name, verdict = plan.experiment.name, asked["verdict"]
        return Outcome(name, ("AC03",), 7, ("auth-1",), verdict, asked["reasons"], 1.0, 2.0, False, str(folder))

    class Patient(Customers):
        def wait(self, seconds: float) -> None:
            command.time.sleep(seconds)

    monkeypatch.setattr(command, "connect", lambda *_: Cluster(Path("/no/kubeconfig"), Path("/no/kubectl")))
    monkeypatch.setattr(command, "refuse_unfit", lambda _: None)
    monkeypatch.setattr(command, "describe", lambda _: ["pod-kill: …"])
    monkeypatch.setattr(command, "versions_of", lambda _: {"kubernetes": "v1"})
    monkeypatch.setattr(command, "customers_for", lambda *_: Patient())
    monkeypatch.setattr(command, "shortfalls", lambda *_: ())
    monkeypatch.setattr(days, "make_plan", plan)
    monkeypatch.setattr(series, "conduct", conduct)
    monkeypatch.setattr(series, "observe_pods", lambda *_: WHOLE)
    monkeypatch.setattr(series, "prove_steady", lambda *_: None)
    return asked


def record(tmp_path: Path) -> tuple[dict[str, Any], str]:
    (folder,) = (tmp_path / "r").iterdir()
    return json.loads((folder / "gameday.json").read_text()), (folder / "gameday.html").read_text()


def test_a_day_leaves_its_record_as_data_and_as_a_page(
    gameday: Callable[..., Told], shop: dict[str, Any], tmp_path: Path
) -> None:
    code, out, err = gameday("--approver=Ada", say="note @Bob it is <quiet>\nnote we go on\nhuh\n")
    assert code == 0, err
    assert out.splitlines()[0].startswith("PASSED game day 'A <short> day' (")
    assert out.splitlines()[-1] == "    approved by Ada"
    facts, page = record(tmp_path)
    assert (facts["verdict"], facts["findings"], facts["ended_early"]) == ("passed", [], None)
    assert facts["approval"] == {"asked": "Ada", "by": "Ada"}
    assert [(each["author"], each["text"]) for each in facts["notes"]] == [
        ("Bob", "it is <quiet>"),
        ("Grace", "we go on"),
    ]
    (step,) = facts["steps"]
    assert (step["name"], step["fate"], step["verdict"], step["seed"]) == ("1 pod-kill", "run", "passed", 7)
    assert "it is <done>" in [each["text"] for each in facts["told"]]
    for part in ("<h1>A &lt;short&gt; day</h1>", "Approved by Ada.", "it is &lt;quiet&gt;", "No &lt;b&gt;failed"):
        assert part in page
    assert 'src="data:image/png;base64,' in page
    assert "steady state: whole | customers: " in err
    assert "'huh' is no order; say pause, continue, skip, abort, note TEXT" in err
    assert shop["wish"].seed == 7


def test_what_failed_is_a_finding_and_nobody_approved_it(
    gameday: Callable[..., Told], shop: dict[str, Any], tmp_path: Path
) -> None:
    shop |= {"verdict": Verdict.FAILED, "reasons": ("auth is not <whole>\n  observed  2 of 3",)}
    code, out, _ = gameday()
    assert (code, out.splitlines()[-1]) == (1, "    not approved")
    facts, page = record(tmp_path)
    assert facts["findings"] == ["1 pod-kill: failed\n  auth is not <whole>\n    observed  2 of 3"]
    assert "auth is not &lt;whole&gt;" in page
    assert "Not approved. Asked for approval: Ada." in page


def test_an_abort_ends_with_130_and_runs_nothing(
    gameday: Callable[..., Told], shop: dict[str, Any], tmp_path: Path
) -> None:
    code, out, _ = gameday(say="abort\n")
    assert code == 130
    assert out.startswith("INCONCLUSIVE game day")
    facts, page = record(tmp_path)
    assert (facts["ended_early"], facts["steps"][0]["fate"]) == ("a person aborted it", "not reached")
    assert "The day ended before its plan did: a person aborted it" in page
    assert "conducted" not in shop


def test_a_dry_run_holds_nothing(gameday: Callable[..., Told], shop: dict[str, Any], tmp_path: Path) -> None:
    assert gameday("--dry-run") == (0, "pod-kill: …\nDry run: nothing was touched\n", "")
    assert not (tmp_path / "r").exists()


def test_a_refusal_of_any_experiment_is_told_before_the_day(
    gameday: Callable[..., Told], shop: dict[str, Any], tmp_path: Path
) -> None:
    shop["refusal"] = GuardRefusal("namespace shop does not bear the label")
    assert gameday() == (11, "", "seatrial: namespace shop does not bear the label\n")
    assert not (tmp_path / "r").exists()


def test_a_plan_that_is_not_fit_is_told_by_line(gameday: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "day.yaml").write_text(PLAN.replace("users: 2", "users: 0"))
    code, out, err = gameday()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{tmp_path}/day.yaml:7: load.users: 0: input should be greater than or equal to 1" in err


def test_a_cluster_that_is_not_there_is_one_line(gameday: Callable[..., Told]) -> None:
    told = "seatrial: no cluster named none was created here; run 'seatrial up'\n"
    assert gameday("--name=none") == (10, "", told)
