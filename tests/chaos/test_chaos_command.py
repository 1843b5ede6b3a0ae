"""``seatrial chaos``: bad input is one line and touches nothing; the table and the verdict are what a person reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.chaos import command
from seatrial.chaos.outcome import Outcome
from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.opt_in import OptIn
from seatrial.errors import GuardRefusal, Verdict
from seatrial.paths import ROOT
from seatrial.system_file import parse_system

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.delenv("SEATRIAL_ALLOW_CLUSTER", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run(seatrial: Run) -> Run:
    """Runs ``seatrial chaos`` here; returns its exit code and what it said on both streams."""

    def told(*arguments: str) -> tuple[int, str, str]:
        return seatrial("chaos", *arguments)

    return told


@pytest.fixture
def ours() -> KindCluster:
    """A recorded cluster that does not answer."""
    cluster = KindCluster()
    cluster.folder.mkdir(parents=True)
    cluster.record.write_text(json.dumps({"image": "node:1", "identity": {"uid": "1", "ca_sha256": "2"}}))
    context = {"name": "kind-seatrial", "context": {"cluster": "c", "user": "u"}}
    document = {"current-context": "kind-seatrial", "contexts": [context], "users": [{"name": "u", "user": {}}]}
    document |= {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}]}
    cluster.kubeconfig.write_text(json.dumps(document))
    return cluster


def test_the_table_shows_how_far_each_experiment_reaches(run: Run) -> None:
    code, out, err = run("list")
    assert (code, err) == (0, "")
    (row,) = [line for line in out.splitlines() if "process-crash" in line]
    cells = [cell.strip() for cell in row.strip("│ ").split("│")]
    assert cells == ["process-crash", "A crash is survived", "one-of-each", "4 pods (50 %), 5 min", "engine", "AC03"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pod-kil"], "no experiment is called 'pod-kil'; did you mean pod-kill?\n"),
        (["pod-kill", "--name=none"], "no cluster named none was created here; run 'seatrial up'\n"),
        (["pod-kill", "--name=a", "--context=b"], "--name and --context name two clusters; leave one of them out\n"),
        (
            ["pod-kill", "--system=/no.yaml"],
            "/no.yaml: there is no such file; write it as docs/configuration.md shows\n",
        ),
    ],
)
def test_bad_input_is_one_line(run: Run, arguments: list[str], told: str) -> None:
    code, out, err = run("run", *arguments)
    assert (out, err) == ("", f"seatrial: {told}")
    assert code in (2, 10)


def test_a_context_without_a_kubeconfig_is_one_line(run: Run, tmp_path: Path) -> None:
    told = f"--context: no kubeconfig at {tmp_path}/none; set KUBECONFIG, or leave the option out"
    assert run("run", "pod-kill", "--context=staging") == (2, "", f"seatrial: {told}\n")


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "func: crash_in_turn",
            "func: crush_in_turn",
            "does not expose a function called 'crush_in_turn' in action",
        ),
        (
            "select: one-of-each",
            "select: everybody",
            "extensions[0].select: 'everybody': input should be 'one-of-each'",
        ),
        ("name: effect-", "name: ", "no probe tells whether the fault happened"),
    ],
)
def test_an_experiment_that_is_not_fit_is_one_line(run: Run, tmp_path: Path, good: str, bad: str, told: str) -> None:
    file = tmp_path / "process-crash.yaml"
    file.write_text((ROOT / "experiments" / "process-crash.yaml").read_text().replace(good, bad))
    code, out, err = run("run", str(file))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


@pytest.mark.parametrize("arguments", [["run", "pod-kill"], ["run", "pod-kill", "--dry-run"], ["heal"]])
def test_a_cluster_that_does_not_answer_is_refused(run: Run, ours: KindCluster, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (GuardRefusal.exit_code, "", 1)
    assert err.startswith(f"seatrial: the cluster of {ours.kubeconfig} does not say who it is: ")


class Planned:
    """A plan that needs no cluster."""

    class experiment:  # noqa: N801
        name = "pod-kill"


@pytest.fixture
def conducted(monkeypatch: pytest.MonkeyPatch, ours: KindCluster) -> dict[str, Any]:
    """Have plans be made and runs end; returns what was asked, and how it ends."""
    asked: dict[str, Any] = {"verdict": Verdict.PASSED, "interrupted": False}

    def make_plan(experiment: Any, cluster: Cluster, system: Any, system_file: Path, wish: Any) -> Any:
        asked["wish"] = wish
        return Planned

    def conduct(plan: Any, folder: Path, phases: Any) -> Outcome:
        asked["folder"] = folder
        reasons = () if asked["verdict"] is Verdict.PASSED else ("the reason\n  observed  it",)
        return Outcome(
            "pod-kill", ("AC03",), 7, ("auth-1",), asked["verdict"], reasons, 0.0, 21.4, asked["interrupted"], "there"
        )

    monkeypatch.setattr(command, "make_plan", make_plan)
    monkeypatch.setattr(command, "conduct", conduct)
    monkeypatch.setattr(command, "describe", lambda plan: ["pod-kill: …"])
    return asked


def test_a_run_tells_its_verdict_and_where_its_records_are(run: Run, conducted: dict[str, Any], tmp_path: Path) -> None:
    wished = ("--service=auth", "--service=users", "--targets=^a", "--seed=7", f"--reports={tmp_path}")
    told = "PASSED pod-kill (21 s, seed 7, targets: auth-1)\n    records: there\n"
    assert run("run", "pod-kill", *wished) == (0, told, "")
    assert (conducted["wish"].services, conducted["wish"].targets) == (("auth", "users"), "^a")
    assert conducted["folder"].parent == tmp_path
    assert conducted["folder"].name.startswith("pod-kill-")


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.FAILED, 1), (Verdict.INCONCLUSIVE, 1), (Verdict.ENVIRONMENT, 10)]
)
def test_only_passed_is_nought(
    run: Run, conducted: dict[str, Any], tmp_path: Path, verdict: Verdict, code: int
) -> None:
    conducted["verdict"] = verdict
    told = run("run", "pod-kill", f"--reports={tmp_path}")
    first = f"{verdict.upper()} pod-kill (21 s, seed 7, targets: auth-1)"
    assert told == (code, f"{first}\n    the reason\n      observed  it\n    records: there\n", "")


def test_an_interrupted_run_ends_with_130(run: Run, conducted: dict[str, Any], tmp_path: Path) -> None:
    conducted["interrupted"] = True
    assert run("run", "pod-kill", f"--reports={tmp_path}")[0] == 130


def test_a_dry_run_conducts_nothing(run: Run, conducted: dict[str, Any], tmp_path: Path) -> None:
    told = run("run", "pod-kill", "--dry-run", f"--reports={tmp_path / 'none'}")
    assert told == (0, "pod-kill: …\nDry run: nothing was touched\n", "")
    assert "folder" not in conducted
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(
    run: Run, conducted: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("run", "pod-kill", f"--reports={tmp_path / 'file'}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"seatrial: --reports: nothing can be written to {tmp_path}/file/pod-kill-")
    assert "folder" not in conducted


@pytest.mark.parametrize(("lacking", "code"), [((), 0), (("auth has 2 of 3",), 10)])
def test_heal_removes_what_is_left_and_proves_the_steady_state(
    run: Run, ours: KindCluster, monkeypatch: pytest.MonkeyPatch, lacking: tuple[str, ...], code: int
) -> None:
    monkeypatch.setattr(command, "require_owned", lambda cluster: None)
    monkeypatch.setattr(command, "remove_accounts", lambda cluster: ("role/seatrial-pod-kill-abc",))
    monkeypatch.setattr(command, "healed", lambda *_: lacking)
    ended, out, err = run("heal")
    assert ended == code
    assert out.startswith("Removed role/seatrial-pod-kill-abc\n")
    assert out.endswith("The system is in its steady state\n") is not bool(lacking)
    assert ("seatrial: the system is not healed: auth has 2 of 3; see 'seatrial status'" in err) is bool(lacking)


SYSTEM = parse_system("{name: s, namespace: shop, services: [{name: a}], allow_clusters: [staging]}", "system.yaml")


@pytest.mark.parametrize(
    ("confirm", "environment", "at_terminal", "typed"),
    [
        ("staging", "", False, "staging"),
        (None, "staging", False, "staging"),
        (None, "", True, "stagign"),
        (None, "", False, ""),
    ],
)
def test_the_name_is_typed_by_option_by_variable_or_at_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    confirm: str | None,
    environment: str,
    at_terminal: bool,
    typed: str,
) -> None:
    (tmp_path / "none").touch()
    monkeypatch.setenv("SEATRIAL_ALLOW_CLUSTER", environment)
    monkeypatch.setattr(command.sys, "stdin", type("Terminal", (), {"isatty": lambda _: at_terminal})())
    monkeypatch.setattr(command.typer, "prompt", lambda *_, **__: "stagign")
    assert command.connect(None, "staging", SYSTEM, confirm).opt_in == OptIn(("staging",), "shop", typed)


def test_nobody_is_asked_for_a_cluster_that_the_description_does_not_allow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "none").touch()
    monkeypatch.setattr(command.sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(command.typer, "prompt", lambda *_, **__: pytest.fail("not asked"))
    assert command.connect(None, "production", SYSTEM, None).opt_in == OptIn(("staging",), "shop", "")
