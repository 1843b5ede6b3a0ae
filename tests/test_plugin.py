"""The plugin from end to end: small features, run by pytest with everything but a cluster and the HTML report."""

from __future__ import annotations

import re

import pytest

VERDICTS = {
    "Holds": "Then it holds",
    "Fails": "Then it does not hold",
    "Unknown": "Then nobody knows",
    "Ground": "When the engine stops",
    "Absent": "Then it is not promised",
    "Broken": "Then the step itself is broken",
}


def section(output: str, name: str) -> list[str]:
    """Return the lines below a headline of pytest's output, up to the next."""
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if re.fullmatch(rf"[=_]+ {name} [=_]+", line))
    rest = lines[start + 1 :]
    return rest[: next(number for number, line in enumerate(rest) if re.match("[=_]{3}|-+ ", line))]


def test_each_of_the_verdicts_is_reached(trial):
    trial.scenarios(**VERDICTS)
    run = trial.run()
    assert run.verdicts == {
        "Holds": "passed",
        "Fails": "failed",
        "Unknown": "inconclusive",
        "Ground": "environment",
        "Absent": "skipped",
        "Broken": "failed",
    }
    assert run.reasons == {
        "Holds": "",
        "Fails": "leads (Service shop/leads): traffic is not even\n  expected  33 %\n  observed  50 %",
        "Unknown": "leads: no fault was seen\n  missing   proof of the fault",
        "Ground": "docker does not answer; start it",
        "Absent": "the system declares no faults",
        "Broken": "ValueError: oops",
    }
    assert run.code == 1
    run.result.assert_outcomes(passed=1, failed=4, skipped=1)


def test_the_terminal_tells_verdicts_apart(trial):
    trial.scenarios(**VERDICTS)
    output = trial.run().output
    assert re.search(r"^features/a\.feature \.FIVsF", output, re.MULTILINE)
    for line in (
        "FAILED features/a.feature::test_fails - leads (Service shop/leads): traffic is not even",
        "INCONCLUSIVE features/a.feature::test_unknown - leads: no fault was seen",
        "ENVIRONMENT features/a.feature::test_ground - docker does not answer; start it",
    ):
        assert line[:70] in output


def test_the_end_of_the_run_is_a_line_per_criterion(trial):
    trial.scenarios(Holds="Then it holds", Unknown="Then nobody knows")
    lines = [re.sub("  +", "  ", line) for line in section(trial.run().output, "sea trial")]
    assert lines[:6] == [
        "criterion  passed  failed  inconclusive  environment  skipped",
        "AC01 Services find each other  1  ·  1  ·  ·  INCONCLUSIVE",
        "",
        "INCONCLUSIVE AC01 Unknown",
        "  leads: no fault was seen",
        "  features/a.feature::test_unknown",
    ]
    assert lines[7].startswith("verdict: INCONCLUSIVE (1 passed, 1 inconclusive) in ")
    assert lines[8] == f"summary: {trial.folder}/reports/summary.json"


def test_a_red_check_names_the_step(trial):
    trial.scenarios(Fails="Given a system\n    Then it does not hold\n    And it holds")
    assert section(trial.run().output, "test_fails") == [
        "leads (Service shop/leads): traffic is not even",
        "  expected  33 %",
        "  observed  50 %",
        "  step      Then it does not hold (features/a.feature:6)",
    ]


def test_an_unforeseen_error_keeps_its_traceback(trial):
    trial.scenarios(Broken="Then the step itself is broken")
    told = "\n".join(section(trial.run().output, "test_broken"))
    assert 'raise ValueError("oops")' in told
    assert "E   ValueError: oops" in told


def test_an_undefined_step_fails(trial):
    trial.scenarios(Undefined="Then pigs can fly")
    run = trial.run()
    assert run.code == 1
    assert run.reasons["Undefined"].startswith(
        'StepDefinitionNotFoundError: Step definition is not found: Then "pigs can fly". Line 5 in scenario'
    )


@pytest.mark.parametrize(
    ("scenarios", "code"),
    [
        (("Holds", "Absent"), 0),
        (("Holds", "Fails"), 1),
        (("Holds", "Unknown"), 1),
        (("Holds", "Ground", "Absent"), 10),
        (("Ground", "Fails"), 1),
        (("Ground", "Unknown"), 1),
    ],
)
def test_the_exit_code_says_who_is_to_blame(trial, scenarios: tuple[str, ...], code: int):
    trial.scenarios(**{name: VERDICTS[name] for name in scenarios})
    assert trial.run().code == code


def test_another_test_that_fails_beside_the_features_is_no_environment(trial):
    trial.scenarios(Ground="When the engine stops")
    trial.write("tests/test_other.py", "def test_other():\n    assert False\n")
    trial.write("tests/conftest.py", "")
    assert trial.run("features", "tests").code == 1


def test_a_ground_that_gives_way_in_a_fixture_ends_with_10(trial):
    trial.define(
        "@pytest.fixture(scope='session', autouse=True)\n"
        "def cluster(request):\n"
        "    request.session.shouldfail = 'there is no ground'\n"
        "    raise EnvironmentFault('no engine', remedy='start docker')\n"
    )
    trial.scenarios(First="Then it holds", Second="Then it holds")
    run = trial.run()
    assert run.code == 10
    assert run.verdicts == {"First": "environment"}
    assert section(run.output, "ERROR at setup of test_first") == ["no engine; start docker"]
    assert "1 of 2 scenarios were not run: the run was stopped early" in run.output
    assert run.allure["First"]["status"] == "broken"


def test_a_tear_down_that_fails_is_told_when_the_scenario_passed(trial):
    trial.define(
        "@pytest.fixture(autouse=True)\ndef restored():\n    yield\n    raise EnvironmentFault('not restored')\n"
    )
    trial.scenarios(Holds="Then it holds", Fails="Then it does not hold")
    run = trial.run()
    assert run.verdicts == {"Holds": "environment", "Fails": "failed"}
    assert run.reasons["Holds"] == "not restored"
    assert (run.allure["Holds"]["status"], run.allure["Fails"]["status"]) == ("broken", "failed")


def test_a_tear_down_that_fails_after_a_skip_is_told(trial):
    trial.define(
        "@pytest.fixture(autouse=True)\ndef restored():\n    yield\n    raise EnvironmentFault('not restored')\n"
    )
    trial.scenarios(Absent="Then it is not promised")
    run = trial.run()
    assert (run.code, run.verdicts) == (10, {"Absent": "environment"})


def test_a_run_that_is_stopped_tells_what_it_knows(trial):
    trial.define("@when('somebody stops the run')\ndef stop():\n    pytest.exit('enough')\n")
    trial.scenarios(First="Then it holds", Stop="When somebody stops the run", Third="Then it holds")
    run = trial.run()
    assert run.code == pytest.ExitCode.INTERRUPTED
    assert run.verdicts == {"First": "passed"}
    assert "2 of 3 scenarios were not run: the run was stopped early" in run.output
    assert "verdict: INCOMPLETE (1 passed, 2 not run) in " in run.output


def test_a_run_that_gets_sigterm_puts_back_what_it_did(trial):
    trial.define(
        "@pytest.fixture(autouse=True)\ndef load():\n    yield\n    print('the load is ended')\n\n"
        "@when('somebody ends the run')\ndef end():\n    import os, signal\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    trial.scenarios(First="Then it holds", End="When somebody ends the run", Third="Then it holds")
    run = trial.run("features", "-s", subprocess=True)
    assert run.code == pytest.ExitCode.INTERRUPTED
    assert run.output.count("the load is ended") == 2
    assert "verdict: INCOMPLETE (1 passed, 2 not run) in " in run.output


@pytest.mark.parametrize("arguments", [("features",), (".",), ("features/a.feature",), ("tests", "features")])
def test_criteria_are_told_in_words_whatever_was_asked_for(trial, arguments: tuple[str, ...]):
    trial.scenarios(Holds="Then it holds")
    trial.write("tests/test_own.py", "def test_own():\n    pass\n")
    assert "AC01 Services find each other  " in trial.run(*arguments).output


def test_the_summary_tells_the_run(trial):
    trial.define(
        "@given('a long set-up')\n"
        "def set_up(run_record):\n"
        "    run_record.versions['kubernetes'] = 'v1.34'\n"
        "    run_record.cluster = 'kind seatrial'\n"
        "    run_record.phases['cluster'] = 1000.0\n"
    )
    trial.scenarios(Holds="Given a long set-up\n    Then it holds")
    summary = trial.run("features", "--seed=7", "--cluster=kind").summary
    assert summary["run"]["versions"].keys() == {
        "python",
        "seatrial",
        "pytest",
        "pytest-bdd",
        "allure-pytest",
        "kubernetes",
    }
    assert [summary["run"][fact] for fact in ("cluster", "overlay", "seed")] == ["kind seatrial", "nginx", 7]
    assert summary["phases"] == {"cluster": 1000.0}
    assert summary["criteria"]["AC01"]["passed"] == 1
    (scenario,) = summary["scenarios"]
    assert (scenario["id"], scenario["criteria"]) == ("features/a.feature::test_holds", ["AC01"])
    assert scenario["seconds"] == 0.0, "the phases of the run are not the scenario's"


def test_the_seed_is_drawn_once_and_told(trial):
    trial.define("@given('dice')\ndef dice(trial_options):\n    print('SEED', trial_options.seed)\n")
    trial.scenarios(Dice="Given dice")
    run = trial.run("features", "-s")
    (told,) = re.findall(r"^sea trial: cluster kind, overlay nginx, system system.yaml, seed (\d+)$", run.output, re.M)
    assert re.findall(r"SEED (\d+)", run.output) == [told]
    assert run.summary["run"]["seed"] == int(told)


def test_junit_has_a_case_per_scenario_with_its_criteria(trial):
    trial.scenarios(**VERDICTS)
    junit = trial.run().junit
    assert list(junit) == ["test_holds", "test_fails", "test_unknown", "test_ground", "test_absent", "test_broken"]
    assert {case.attrib["classname"] for case in junit.values()} == {"features.a.feature"}
    for case in junit.values():
        assert [each.attrib for each in case.iter("property")] == [{"name": "criterion", "value": "AC01"}]
    assert junit["test_unknown"].find("failure").text == (
        "leads: no fault was seen\n"
        "  missing   proof of the fault\n"
        "  step      Then nobody knows (features/a.feature:11)"
    )
    assert junit["test_absent"].find("skipped").attrib["message"] == "the system declares no faults"


COLLECTING = """
@pytest.fixture(scope="session", autouse=True)
def of_the_run(failure_collectors):
    failure_collectors.add("events", lambda evidence: evidence.text("events", "Killing leads-a"))


@given("something to collect")
def of_the_scenario(on_failure, evidence):
    def unreachable(evidence):
        raise ConnectionError("no route to host")

    evidence.json("always", [1])
    on_failure.add("requests", lambda evidence: evidence.csv("requests", [(1, 2)]))
    on_failure.add("logs", unreachable)
"""


@pytest.mark.parametrize("step", ["Then it holds", "Then it is not promised"])
def test_collectors_are_left_alone_when_nothing_failed(trial, step: str):
    trial.define(COLLECTING)
    trial.scenarios(Quiet=f"Given something to collect\n    {step}")
    run = trial.run()
    assert [path.name for path in run.reports.glob("evidence/*/*")] == ["always.json"]


@pytest.mark.parametrize("step", ["Then it does not hold", "Then nobody knows", "When the engine stops"])
def test_collectors_run_once_for_what_did_not_pass(trial, step: str):
    trial.define(COLLECTING)
    trial.scenarios(Red=f"Given something to collect\n    {step}")
    run = trial.run()
    folder = run.reports / "evidence" / "a-red"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "always.json": "[\n 1\n]",
        "events.txt": "Killing leads-a",
        "requests.csv": "1,2\n",
    }
    told = "\n".join(section(run.output, "test_red"))
    assert "logs: ConnectionError: no route to host" in run.output
    assert told.startswith(run.reasons["Red"])
    assert "reports/evidence/a-red/requests.csv\nreports/evidence/a-red/events.txt" in run.output
    assert run.attached(run.allure["Red"]) == {"events": "Killing leads-a", "requests": "1,2\n"}


def test_evidence_of_the_run_before_is_dropped(trial):
    trial.define(COLLECTING)
    trial.scenarios(Red="Given something to collect\n    Then it does not hold")
    trial.run()
    trial.scenarios(Green="Given something to collect")
    run = trial.run()
    assert [path.parent.name for path in run.reports.glob("evidence/*/*")] == ["a-green"]
    assert list(run.allure) == ["Green"]


def test_collecting_alone_leaves_the_reports_as_they_are(trial):
    trial.scenarios(Holds="Then it holds")
    before = trial.run().summary
    run = trial.run("features", "--collect-only", "-q")
    assert "features/a.feature::test_holds" in run.output
    assert run.summary == before
    assert list(run.allure) == ["Holds"]


def test_reports_go_where_they_are_told(trial):
    trial.scenarios(Holds="Then it holds")
    trial.run("features", "--reports=out", "--alluredir=results", "--junitxml=own.xml")
    assert (trial.folder / "out" / "summary.json").exists()
    assert list((trial.folder / "results").glob("*-result.json"))
    assert (trial.folder / "own.xml").exists()
    assert not (trial.folder / "reports").exists()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--numprocesses=2", "features share one cluster and cannot run in parallel: leave -n (pytest-xdist) out"),
        ("--reruns=2", "no check is retried until it passes: leave --reruns (pytest-rerunfailures) out"),
    ],
)
def test_parallel_runs_and_reruns_are_refused(trial, option: str, complaint: str):
    if "reruns" in option:  # that plugin is not installed here
        trial.define("def pytest_addoption(parser):\n    parser.addoption('--reruns', type=int)\n")
    trial.scenarios(Holds="Then it holds")
    run = trial.run("features", option, subprocess=True)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert run.result.stderr.str().strip() == f"ERROR: {complaint}"
    assert not run.reports.exists()


def test_an_overlay_that_promises_nonsense_is_refused_before_anything_starts(trial):
    trial.scenarios(Holds="Then it holds")
    trial.write("its/kustomization.yaml", "resources: []\n")
    trial.write("its/capabilities.yaml", "gateway: false\n")
    run = trial.run("features", "--overlay=./its", subprocess=True)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert run.result.stderr.str().strip() == (
        f"ERROR: {trial.folder}/its/capabilities.yaml: gateway: False is neither true nor a reason; "
        "give true, or say in a sentence why the overlay does not have it"
    )
    assert not run.reports.exists()


FRONT = "gateway: {host: shop.test, routes: [{path: /, service: web}]}\n"
CALLS = "headers: [ETag]\ncalls:\n  - {name: list, service: web, path: /}\n"
BROKEN = {
    "metrics": (
        {"metrics.yaml": "port: 1\n"},
        "metrics.yaml:1: requests: is missing; give the name of a metric",
    ),
    "calls": (
        {"calls.yaml": CALLS.replace("path: /", "path: v1")},
        "calls.yaml: calls[0].path: give a path that begins with /",
    ),
    "answers": (
        {"calls.yaml": CALLS, "calls.answers.json": '{"list": {"status": "ok", "headers": {}, "body": 1}}'},
        "calls.answers.json: not a recording: list.status: input should be a valid integer",
    ),
    "an answer too few": (
        {"calls.yaml": CALLS, "calls.answers.json": "{}"},
        "calls.answers.json: no answer to 'list'",
    ),
}


@pytest.mark.parametrize(("files", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_beside_the_system_or_the_overlay_is_refused_before_anything_starts(
    trial, files: dict[str, str], told: str
):
    trial.scenarios(Holds="Then it holds")
    trial.write("its/kustomization.yaml", "resources: []\n")
    frontend = "frontend: calls.yaml\n" if "calls.yaml" in files else ""
    trial.write("its/system.yaml", f"name: shop\nnamespace: shop\nservices: [{{name: web}}]\n{FRONT}{frontend}")
    for name, text in files.items():
        trial.write(f"its/{name}", text)
    run = trial.run("features", "--overlay=./its", "--system=its/system.yaml", subprocess=True)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert run.result.stderr.str().splitlines()[0].startswith(f"ERROR: {trial.folder}/its/{told}")
    assert not run.reports.exists()


def test_answers_that_are_still_to_be_recorded_stop_nobody(trial):
    trial.scenarios(Holds="Then it holds")
    trial.write("its/calls.yaml", CALLS)
    trial.write("its/system.yaml", "name: s\nnamespace: s\nservices: [{name: web}]\nfrontend: calls.yaml\n")
    assert trial.run("features", "--system=its/system.yaml").verdicts == {"Holds": "passed"}


def test_an_overlay_that_stands_on_what_there_is_not_is_refused_before_anything_starts(trial):
    trial.scenarios(Holds="Then it holds")
    trial.write("its/kustomization.yaml", "resources: []\n")
    trial.write("its/addons.yaml", "[linkerd]\n")
    run = trial.run("features", "--overlay=./its", subprocess=True)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert run.result.stderr.str().strip() == (
        f"ERROR: {trial.folder}/its/addons.yaml: ['linkerd'] is no list of add-ons; give for instance [istio]"
    )
    assert not run.reports.exists()


def test_the_frameworks_own_tests_are_left_alone(trial):
    trial.scenarios(Holds="Then it holds")
    trial.write("tests/test_own.py", "def test_own():\n    pass\n")
    run = trial.run("tests")
    run.result.assert_outcomes(passed=1)
    assert "sea trial" not in run.output
    assert not run.reports.exists()


def test_a_fixture_of_features_tells_where_it_belongs(trial):
    trial.write("tests/test_own.py", "def test_own(run_record):\n    pass\n")
    run = trial.run("tests")
    assert "this fixture exists in runs of features only; run 'pytest features/'" in run.output


def test_options_are_read_from_where_pytest_was_called(trial):
    trial.define(
        "@given('options')\n"
        "def options(trial_options):\n"
        "    print('OPTIONS', trial_options.keep, trial_options.system, trial_options.reports)\n"
    )
    trial.scenarios(Options="Given options")
    trial.write("its/system.yaml", "name: other\nnamespace: other\nservices:\n  - name: web\n")
    output = trial.run("features", "-s", "--no-keep", "--system=its/system.yaml").output
    assert f"OPTIONS False {trial.folder}/its/system.yaml {trial.folder}/reports" in output


NIGHTLY = """@AC01
Feature: Discovery

  Scenario: At any time
    Then it holds

  @daily
  Scenario: By day
    Then it holds

  @nightly
  Scenario Outline: The experiment <name> is survived
    Then it holds

    Examples:
      | name       |
      | pod-delete |
      | pod-kill   |
"""


@pytest.fixture
def nights(trial):
    """A trial with a scenario for any time, one for the day and an outline for the night."""
    trial.write("features/a.feature", NIGHTLY)
    tags = "tags:\n  nightly: Takes minutes\n  daily: A longer one shows it, too\n"
    trial.write("features/criteria.yaml", f"criteria:\n  AC01: Services find each other\n{tags}")
    return trial


LEFT = ["The experiment pod-delete is survived", "The experiment pod-kill is survived"]


def test_what_takes_minutes_is_left_for_the_night_and_named(nights):
    run = nights.run()
    assert run.verdicts == dict.fromkeys(["At any time", "By day"], "passed")
    assert (run.summary["left_for_nightly"], run.summary["left_for_daily"]) == (LEFT, [])
    run.result.assert_outcomes(passed=2, deselected=2)
    told = section(run.output, "sea trial")
    start = told.index("2 scenarios are left for --nightly:")
    assert told[start + 1 : start + 3] == [f"    {name}" for name in LEFT]
    assert "not run" not in run.output


def test_by_night_everything_runs_but_what_a_longer_scenario_shows(nights):
    run = nights.run("features", "--nightly")
    assert run.verdicts == dict.fromkeys(["At any time", *LEFT], "passed")
    assert (run.summary["left_for_nightly"], run.summary["left_for_daily"]) == ([], ["By day"])
    run.result.assert_outcomes(passed=3, deselected=1)
    assert "left for --nightly" not in run.output
    told = section(run.output, "sea trial")
    start = told.index("1 scenario is left out with --nightly, because longer ones show the same and more:")
    assert told[start + 1] == "    By day"


OUTLINE = "features/a.feature::test_the_experiment_name_is_survived"


@pytest.mark.parametrize(
    ("named", "ran"),
    [(OUTLINE, LEFT), (f"{OUTLINE}[pod-kill]", LEFT[1:])],
    ids=["the outline", "one example"],
)
def test_what_is_named_by_its_id_runs_by_day_too(nights, named: str, ran: list[str]):
    assert nights.run(named).verdicts == dict.fromkeys(ran, "passed")


def test_only_what_would_have_run_is_told_to_be_left(nights):
    assert nights.run("features", "-k", "day or kill").summary["left_for_nightly"] == LEFT[1:]


def test_a_run_of_nothing_but_the_night_says_why_nothing_ran(nights):
    run = nights.run("features", "-m", "nightly")
    assert run.code == 5
    assert "2 scenarios are left for --nightly:" in run.output
    assert "verdict: none, no scenario was run" in run.output
