"""The experiments themselves: valid, described, tagged with criteria, reversible, and listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.hypothesis import within_tolerance
from chaoslib.loader import load_experiment
from told_at_once import run_experiment

from seatrial.chaos.experiment_file import read_experiment
from seatrial.chaos.surroundings import surroundings
from seatrial.cluster.client import Cluster
from seatrial.paths import ROOT
from seatrial.system_file import load_system

FOLDER = ROOT / "experiments"
EXPERIMENTS = sorted(FOLDER.glob("*.yaml"))
CRITERIA = yaml.safe_load((ROOT / "features" / "criteria.yaml").read_text())
FEATURES = "\n".join(path.read_text() for path in (ROOT / "features").glob("*.feature"))


@pytest.fixture(params=EXPERIMENTS, ids=lambda path: path.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def experiment(file: Path) -> Any:
    return load_experiment(str(file))


def listed() -> dict[str, list[str]]:
    """Return the cells of the table of experiments, by file."""
    rows = re.findall(r"^\| `([\w-]+\.yaml)` \| (.+) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    return {name: [fault, serves] for name, fault, serves in rows}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables for a cluster that does not answer."""
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": contexts}
    document |= {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}]}
    document |= {"users": [{"name": "u", "user": {"token": "t"}}]}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    cluster, system = Cluster(kubeconfig, tmp_path / "kubectl"), load_system(ROOT / "system.yaml")
    known = surroundings(cluster, system, ROOT / "system.yaml", "^auth-1$")
    own = {"SEATRIAL_NODE": "no-such-node", "SEATRIAL_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    return known | own


def test_who_takes_one_of_each_may_take_one_of_two(file: Path) -> None:
    extension = read_experiment(file).extension
    if extension.select == "one-of-each" and extension.blast_radius.pods:
        assert extension.blast_radius.percent_ready >= 50


def test_it_is_valid_for_chaos_toolkit(
    experiment: Any, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ensure_experiment_is_valid(experiment)


@pytest.mark.parametrize("name", ["error-rate", "node-drain", "node-pause", "process-stop"])
def test_where_no_cluster_answers_it_does_nothing(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    """One of each way in which faults are done and undone: a child process of its own takes seconds."""
    journal = run_experiment(FOLDER / f"{name}.yaml", environment, tmp_path, within_seconds=90)
    assert journal.before is False
    assert journal.activities == ()
    assert "cannot be read: " in journal.rollbacks[-1].reason


def test_it_names_the_criteria_that_it_serves_and_itself(experiment: Any, file: Path) -> None:
    *criteria, itself = experiment["tags"]
    assert itself == file.stem
    assert criteria
    assert set(criteria) <= set(CRITERIA["criteria"]) | set(CRITERIA["planned"])


def test_its_description_says_why_what_is_expected_how_far_it_reaches_and_how_to_stop_it(experiment: Any) -> None:
    for part in ("Why: ", "Expected: ", "Blast radius: ", "To stop: "):
        assert part in experiment["description"]


def test_it_asks_for_the_steady_state_of_the_whole_system(experiment: Any) -> None:
    probe, *_ = experiment["steady-state-hypothesis"]["probes"]
    assert (probe["provider"]["module"], probe["provider"]["func"]) == ("seatrial.chaos.probes", "system_is_whole")
    assert probe["tolerance"] is True


def test_it_keeps_to_the_rules_of_the_project(file: Path) -> None:
    assert read_experiment(file).name == file.stem


def test_it_is_undone_by_healing_the_system_at_last(experiment: Any) -> None:
    assert experiment["rollbacks"][-1]["provider"]["func"] == "heal_system"


def test_nothing_is_done_before_the_guard(experiment: Any) -> None:
    guard, *others = (each["provider"] for each in experiment["method"] if each["type"] == "action")
    assert (guard["module"], guard["func"]) == ("seatrial.chaos.actions", "guard_cluster")
    assert others


def test_every_action_is_one_of_ours_because_a_guard_that_refuses_does_not_end_the_method(experiment: Any) -> None:
    modules = {each["provider"]["module"] for each in experiment["method"] if each["type"] == "action"}
    assert all(module.startswith("seatrial.chaos.actions") for module in modules)


def test_its_effect_is_asked_for_after_its_fault(experiment: Any) -> None:
    names = [each["name"] for each in experiment["method"]]
    effects = [each for each in experiment["method"] if each["name"].startswith("effect-")]
    assert effects
    assert all(each["type"] == "probe" for each in effects)
    assert not any(within_tolerance(each["tolerance"], nothing) for each in effects for nothing in (False, 0.0))
    assert names.index(effects[0]["name"]) > 1


def test_what_has_to_be_undone_is_undone_by_the_method_and_again_by_a_rollback(experiment: Any) -> None:
    ends = [each["provider"]["func"] for each in experiment["method"] if each["name"].startswith("end-")]
    assert set(ends) <= {each["provider"]["func"] for each in experiment["rollbacks"]}


def test_who_suffers_comes_from_the_environment(experiment: Any) -> None:
    known = {"targets": "SEATRIAL_TARGETS", "node": "SEATRIAL_NODE"}
    known |= {"service": "SEATRIAL_SERVICE", "caller": "SEATRIAL_CALLER"}
    given = {name: each["key"] for name, each in experiment.get("configuration", {}).items()}
    assert given.items() <= known.items()
    assert all(f"${{{name}}}" in yaml.safe_dump(experiment["method"]) for name in given)


def test_it_is_listed_with_the_criteria_of_its_tags(experiment: Any, file: Path) -> None:
    assert listed()[file.name][1] == ", ".join(experiment["tags"][:-1])


def test_a_feature_runs_it(file: Path) -> None:
    assert f'the experiment "{file.stem}" ' in FEATURES or f"| {file.stem} " in FEATURES


def test_the_list_names_nothing_that_is_not_there() -> None:
    assert set(listed()) == {path.name for path in EXPERIMENTS}
