"""The failover table of kept reports: what counts, what is told of it, and what is beyond its bound."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageError
from seatrial.observe.records import Moment, Timeline
from seatrial.report.evidence import Evidence, scenario_slug
from seatrial.report.failover import Cell, Repetition, beyond_bounds, cells_of, read_repetitions, rows_of
from seatrial.tolerances import Tolerances

CRASH = "features/ac03_failover.feature::test_a_crash_is_survived"
KILL = "features/ac03_failover.feature::test_a_replica_that_is_deleted"


def timeline(service: str, kind: str, **moments: float) -> Timeline:
    came = [Moment(1000.0 + seconds, what) for what, seconds in moments.items()]
    return Timeline(service, 1000.0, (Moment(1000.0, "fault", f"{service}-a {kind}"), *came))


def keep(reports: Path, scenario: str, *timelines: Timeline, **more: Any) -> Path:
    """Keep timelines as a scenario does; returns the file."""
    proofs = {each.subject: "effect-gone" for each in timelines}
    evidence = Evidence(reports / "evidence" / scenario_slug(scenario), reports)
    return reports / evidence.json("timelines", {"timelines": timelines, "proofs": proofs} | more)


def sum_up(reports: Path, **verdicts: str) -> None:
    scenarios = [{"id": {"crash": CRASH, "kill": KILL}[name], "verdict": given} for name, given in verdicts.items()]
    (reports / "summary.json").write_text(json.dumps({"run": {}, "scenarios": scenarios}))


def repetition(fault: str = "process-crash", service: str = "leads", **moments: float) -> Repetition:
    return Repetition(fault, service, moments, f"{service}.json", judged=True)


def cells(*repetitions: Repetition) -> dict[str, Cell]:
    return {cell.moment: cell for cell in cells_of(repetitions, Tolerances())}


def told(*repetitions: Repetition) -> str:
    return "\n".join(str(each) for each in beyond_bounds(cells_of(repetitions, Tolerances())))


def judged(folder: Path) -> list[tuple[str, str, bool]]:
    return [(each.fault, each.service, each.judged) for each in read_repetitions(folder)]


def test_every_outage_that_a_run_kept_is_a_repetition(tmp_path: Path):
    crash = "undergoes process-crash"
    keep(tmp_path, CRASH, timeline("leads", crash, last_error=1.5), timeline("users", crash))
    file = keep(tmp_path, CRASH, timeline("leads", "hangs", full=20.0))
    third, first, second = read_repetitions(tmp_path)
    assert (first.fault, first.service, first.moments) == ("process-crash", "leads", {"fault": 0.0, "last_error": 1.5})
    assert (second.service, second.moments) == ("users", {"fault": 0.0})
    assert (third.fault, third.file, file.name) == ("hangs", str(file), "timelines-2.json")


def test_only_what_came_to_a_verdict_and_is_proven_counts(tmp_path: Path):
    keep(
        tmp_path, CRASH, timeline("leads", "crashes"), timeline("users", "crashes"), proofs={"leads": "", "users": "x"}
    )
    keep(tmp_path, KILL, timeline("leads", "undergoes pod-kill"))
    sum_up(tmp_path, crash="failed", kill="inconclusive")
    assert judged(tmp_path) == [
        ("crashes", "leads", False),
        ("crashes", "users", True),
        ("pod-kill", "leads", False),
    ]


def test_what_is_done_to_no_single_replica_is_no_outage(tmp_path: Path):
    keep(tmp_path, CRASH, timeline("leads", "(leads)"), proofs=None)
    keep(tmp_path, KILL, timeline("leads", "undergoes pod-kill"))
    assert judged(tmp_path) == [("pod-kill", "leads", True)]


@pytest.mark.parametrize(("verdict", "counts"), [("passed", True), ("failed", True), ("environment", False)])
def test_a_scenario_that_failed_counts_too(tmp_path: Path, verdict: str, counts: bool):
    keep(tmp_path, KILL, timeline("leads", "undergoes pod-kill"))
    sum_up(tmp_path, kill=verdict)
    if counts:
        assert judged(tmp_path) == [("pod-kill", "leads", True)]
    else:
        with pytest.raises(UsageError, match="no outage to count: its scenarios came to no verdict; give reports "):
            read_repetitions(tmp_path)


def test_a_folder_without_timelines_and_one_that_is_missing_are_told(tmp_path: Path):
    with pytest.raises(UsageError, match=r"no outage to count: no evidence/\*/timelines\.json of a fault to a rep"):
        read_repetitions(tmp_path)
    with pytest.raises(UsageError, match="nowhere: there is no such folder; give a folder that a run's reports "):
        read_repetitions(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("\udcff", "Invalid JSON: "),
        ("[]", "Input should be an object"),
        (
            '{"timelines": [{"subject": "leads", "fault_at": "soon"}]}',
            "timelines: 0: fault_at: Input should be a valid",
        ),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, text: str, why: str):
    file = keep(tmp_path, KILL)
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        read_repetitions(tmp_path)
    assert str(caught.value).startswith(f"{file}: not as a run writes it: {why}")
    assert str(caught.value).endswith("; leave its folder out, or repeat that run")
    assert "\n" not in str(caught.value)


def test_a_broken_summary_is_told(tmp_path: Path):
    keep(tmp_path, KILL, timeline("leads", "undergoes pod-kill"))
    (tmp_path / "summary.json").write_text('{"scenarios": [{"id": "x", "verdict": "great"}]}')
    with pytest.raises(UsageError, match=r"summary\.json: not as a run writes it: scenarios: 0: verdict: Input "):
        read_repetitions(tmp_path)


def test_a_cell_sums_up_all_repetitions_of_a_fault():
    seen = cells(
        repetition(first_error=0.1, last_error=1.0, restarted=3.0),
        repetition(service="users", last_error=4.0, restarted=2.0),
        repetition(last_error=1.5, restarted=5.0),
        repetition("hangs", last_error=9.0),
    )
    assert seen["first_error"] == Cell("process-crash", "first_error", 3, 1, 0.1, 0.1, None, "leads, leads.json")
    found = list(cells_of([repetition(last_error=1.0), repetition(last_error=2.0)], Tolerances()))
    assert [cell.moment for cell in found] == ["last_error", "restarted"]
    assert (found[0].median, found[0].worst, found[0].bound, found[0].within) == (1.5, 2.0, 5.0, True)


def test_cells_are_told_by_fault_and_in_the_order_of_the_timeline():
    found = cells_of([repetition("pod-kill", full=1.0, not_ready=0.1), repetition("hangs")], Tolerances())
    assert [(cell.fault, cell.moment) for cell in found] == [
        ("hangs", "last_answer"),
        ("hangs", "last_error"),
        ("hangs", "restarted"),
        ("hangs", "full"),
        ("pod-kill", "not_ready"),
        ("pod-kill", "last_error"),
        ("pod-kill", "full"),
    ]


def test_a_bound_of_two_tolerances_is_their_sum():
    assert cells(repetition("hangs", full=1.0))["full"].bound == 45.0 + 45.0


def test_a_fault_without_bounds_is_not_judged():
    cell = cells(repetition("of-my-own", full=900.0))["full"]
    assert (cell.bound, cell.within) == (None, None)
    assert told(repetition("of-my-own", full=900.0)) == ""


@pytest.mark.parametrize(("seconds", "within"), [(5.0, True), (5.01, False)])
def test_the_worst_may_reach_its_bound(seconds: float, within: bool):
    assert cells(repetition(last_error=seconds))["last_error"].within is within


def test_without_any_error_none_is_late():
    assert cells(repetition(restarted=1.0))["last_error"].within is True
    assert cells(repetition("pod-kill", full=1.0))["last_error"].within is True


def test_a_worst_beyond_its_bound_is_told_with_its_place():
    assert told(
        repetition(last_error=1.0, restarted=1.0), repetition(service="users", last_error=6.2, restarted=1.0)
    ) == cleandoc(
        """
        process-crash: last error
          expected  within 5 s after the fault (crash_error_seconds)
          observed  in 2 of 2 outages, the worst 6.20 s after the fault
          evidence  users, users.json
        """
    )


def test_an_error_where_none_may_come_is_told():
    assert told(repetition("pod-kill", full=1.0), repetition("pod-kill", last_error=0.0, full=1.0)) == cleandoc(
        """
        pod-kill: last error
          expected  never
          observed  in 1 of 2 outages, the worst 0.00 s after the fault
          evidence  leads, leads.json
        """
    )


def test_a_moment_that_must_come_and_did_not_is_told():
    assert told(repetition("node-pause", full=1.0), repetition("node-pause", "users")) == cleandoc(
        """
        node-pause: full again
          expected  within 110 s after the fault (node_loss_seconds + recovery_seconds)
          observed  not at all in 1 of 2 outages
          evidence  users, users.json
        """
    )


def test_the_rows_name_a_fault_once_and_mark_what_was_repeated_too_seldom():
    kills = [repetition("pod-kill", full=float(seconds)) for seconds in (1, 2, 50)]
    crashes = [repetition(first_error=0.25), repetition(first_error=0.5, restarted=3.0)]
    assert list(rows_of(cells_of([*kills, *crashes], Tolerances()), least=3)) == [
        ("pod-kill", "last error", "0/3", "", "", "never", "ok"),
        ("", "full again", "3/3", "2.00", "50.00", "≤ 45", "BEYOND"),
        ("process-crash *", "first error", "2/2", "0.38", "0.50", "", ""),
        ("", "last error", "0/2", "", "", "≤ 5", "ok"),
        ("", "restarted", "1/2", "3.00", "3.00", "≤ 45", "BEYOND"),
    ]


def test_the_command_shows_all_runs_in_one_table(seatrial: Callable[..., tuple[int, str, str]], tmp_path: Path):
    for run in ("one", "two"):
        keep(tmp_path / run, KILL, timeline("leads", "undergoes pod-kill", full=4.0), timeline("users", "hangs"))
    keep(tmp_path / "two", KILL, timeline("leads", "undergoes pod-kill"), proofs={})
    sum_up(tmp_path / "two", kill="passed")
    folders = [str(tmp_path / run) for run in ("one", "two", "one")]
    code, out, err = seatrial("failover", *folders, "--least=3", f"--csv={tmp_path / 'table.csv'}")
    assert code == 1
    assert [line.split() for line in out.splitlines() if "full" in line] == [
        ["full", "again", "0/2", "≤", "90", "BEYOND"],
        ["full", "again", "2/2", "4.00", "4.00", "≤", "45", "ok"],
    ]
    assert out.endswith("* fewer than 3 repetitions\nRuns: 2; outages: 4, of 2 faults; left out without a verdict: 1\n")
    assert err.startswith("seatrial: hangs: restarted\n  expected  within 45 s after the fault (restart_seconds)\n")
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert list(rows[-1].values())[:7] == ["pod-kill", "full", "2", "2", "4.0", "4.0", "45.0"]
    assert [row["within"] for row in rows] == ["True", "True", "False", "False", "True", "True"]


def test_the_command_ends_well_within_all_bounds(seatrial: Callable[..., tuple[int, str, str]], tmp_path: Path):
    keep(tmp_path, KILL, timeline("leads", "undergoes pod-kill", full=4.0))
    code, out, err = seatrial("failover", str(tmp_path), "--least=1")
    assert (code, err) == (0, "")
    assert "*" not in out
    assert out.endswith("Runs: 1; outages: 1, of 1 faults; left out without a verdict: 0\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/no/such"], "/no/such: there is no such folder; give a folder that a run's reports went to"),
        (["--csv=/no/such/table.csv"], "--csv /no/such/table.csv: there is no folder /no/such; give one that is there"),
        (["--system=/no/such.yaml"], "/no/such.yaml: there is no such file; write it as docs/configuration.md shows"),
    ],
)
def test_bad_input_is_one_line(seatrial: Callable[..., tuple[int, str, str]], arguments: list[str], told: str):
    assert seatrial("failover", *arguments) == (2, "", f"seatrial: {told}\n")
