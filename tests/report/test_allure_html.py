"""What is decided around the Allure generator; shell scripts stand in for Node.js, which is never started here."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.report.allure_html import embedded_names, install, scenario_names, tell, verify

# the third argument is --config=FILE
FINDS_OUTPUT = "sed -n 's/^output: //p' \"${3#--config=}\""


def page(*names: str) -> str:
    data = [base64.b64encode(json.dumps({"name": name}).encode()).decode() for name in names]
    entries = [f'"data/test-results/{number}.json", "{text}"' for number, text in enumerate(data)]
    return f"<script>const files = [{', '.join(f'[{entry}]' for entry in entries)}]</script>"


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "allure-results"
    folder.mkdir()
    for number, name in enumerate(("Names lead to services", "Verkehr gleichmäßig")):
        (folder / f"{number}-result.json").write_text(json.dumps({"name": name}), encoding="utf-8")
    (folder / "0-container.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH, with a node and an npm that do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "node")
    program(folder, "npm")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def report_of(results: Path) -> str:
    reports = results.parent / "reports"
    return tell(results, reports, results.parent / "cache").replace(str(results.parent), "…")


def generates(programs: Path, text: str) -> None:
    (programs / "page.html").write_text(text, encoding="utf-8")
    program(programs, "node", f'out=$({FINDS_OUTPUT})\nmkdir -p "$out"\ncp {programs}/page.html "$out/index.html"')


def test_the_names_of_results_are_read(results: Path):
    assert scenario_names(results) == {"Names lead to services", "Verkehr gleichmäßig"}


def test_the_names_inside_a_report_are_read():
    assert embedded_names(page("Names lead to services", "Verkehr gleichmäßig")) == {
        "Names lead to services",
        "Verkehr gleichmäßig",
    }
    assert embedded_names("<html></html>") == set()


@pytest.mark.parametrize("body", ["AAA", base64.b64encode(b"{").decode(), base64.b64encode(b"{}").decode()])
def test_a_result_that_cannot_be_read_is_an_environment_fault(body: str):
    with pytest.raises(EnvironmentFault, match=r"^the Allure report holds a result that cannot be read: "):
        embedded_names(f'["data/test-results/1.json", "{body}"]')


def test_a_report_must_exist_and_hold_every_scenario(tmp_path: Path):
    report = tmp_path / "index.html"
    with pytest.raises(EnvironmentFault, match=r"^the Allure generator wrote no report$"):
        verify(report, {"a"})
    report.write_text(page("a", "b"), encoding="utf-8")
    verify(report, {"a", "b"})
    with pytest.raises(EnvironmentFault) as caught:
        verify(report, {"a", "c", "d"})
    assert str(caught.value) == "the Allure report lacks 2 of 3 scenarios: 'c' …"


def test_a_whole_report_is_moved_to_its_place(results: Path, programs: Path):
    generates(programs, page("Names lead to services", "Verkehr gleichmäßig"))
    assert report_of(results) == "report:  …/reports/allure-report/index.html"
    assert (
        (results.parent / "reports" / "allure-report" / "index.html").read_text(encoding="utf-8").startswith("<script")
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 0", "the Allure generator wrote no report"),
        ("echo 'unknown key' >&2; exit 3", "allurerc.yml: unknown key"),
    ],
)
def test_a_generator_that_fails_is_told_and_leaves_no_report(results: Path, programs: Path, script: str, reason: str):
    program(programs, "node", script)
    told = report_of(results)
    assert told.startswith("report:  no HTML report: ")
    assert told.endswith(reason)
    assert not (results.parent / "reports" / "allure-report").exists()


def test_a_report_that_lacks_a_scenario_is_not_shown(results: Path, programs: Path):
    generates(programs, page("Names lead to services"))
    assert report_of(results) == (
        "report:  no HTML report: the Allure report lacks 1 of 2 scenarios: 'Verkehr gleichmäßig' …"
    )
    assert not (results.parent / "reports" / "allure-report").exists()


def test_no_results_are_told_before_anything_is_installed(tmp_path: Path):
    (tmp_path / "allure-results").mkdir()
    assert report_of(tmp_path / "allure-results") == "report:  no HTML report: …/allure-results holds no results"


def test_a_result_that_was_cut_off_does_not_end_the_run(results: Path):
    (results / "2-result.json").write_text('{"name": ', encoding="utf-8")
    assert report_of(results).startswith("report:  no HTML report: JSONDecodeError: Expecting value")


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_a_missing_program_is_told_with_its_remedy(
    results: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, missing: str
):
    (programs / missing).unlink()
    monkeypatch.setenv("PATH", str(programs))
    assert report_of(results) == (f"report:  no HTML report: {missing} is not installed; install Node.js 20 or later")


def test_the_generator_is_installed_once_per_lock_file(tmp_path: Path, programs: Path):
    program(programs, "npm", f'echo "$1" >> {tmp_path}/calls')
    entry = install(tmp_path / "cache")
    assert install(tmp_path / "cache") == entry
    assert (tmp_path / "calls").read_text() == "ci\n"
    assert entry.parts[-3:] == ("node_modules", "allure", "cli.js")
    assert {path.name for path in entry.parents[2].iterdir()} == {
        "package.json",
        "package-lock.json",
        "install.log",
        "complete",
    }


def test_an_installation_that_failed_is_tried_again(tmp_path: Path, programs: Path):
    program(programs, "npm", "echo 'no network'; exit 1")
    with pytest.raises(EnvironmentFault, match=r"(?s)^npm ended with 1; its output is in .*no network"):
        install(tmp_path / "cache")
    program(programs, "npm", "exit 0")
    assert install(tmp_path / "cache").parts[-1] == "cli.js"
