"""What an experiment is told about where it runs, and what it says when it is not told."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from seatrial.chaos.extension import Extension
from seatrial.chaos.limits import Limits
from seatrial.chaos.surroundings import bounded, cluster_here, surroundings, system_here, undo_log
from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import kubectl
from seatrial.cluster.opt_in import OptIn
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM_FILE = ROOT / "system.yaml"
NAMES = ("KUBECONFIG", "KUBECTL", "CONTEXT", "SYSTEM", "NAMESPACE", "TARGETS", "NODE", "SERVICE", "ALLOW_CLUSTER")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    for name in NAMES:
        monkeypatch.delenv(f"SEATRIAL_{name}", raising=False)


def told(context: str | None = None) -> dict[str, str]:
    cluster = Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), context)
    return surroundings(cluster, load_system(SYSTEM_FILE), SYSTEM_FILE, "^auth-1$")


def test_an_experiment_is_told_everything_and_chaosk8s_its_cluster() -> None:
    assert told() == {
        "SEATRIAL_KUBECONFIG": "/cache/kubeconfig",
        "SEATRIAL_KUBECTL": "/cache/kubectl",
        "SEATRIAL_SYSTEM": str(SYSTEM_FILE),
        "SEATRIAL_NAMESPACE": "lead-platform",
        "SEATRIAL_TARGETS": "^auth-1$",
        "SEATRIAL_NODE": "",
        "SEATRIAL_SERVICE": "",
        "KUBECONFIG": "/cache/kubeconfig",
    }


def test_a_context_is_told_to_both() -> None:
    added = told("staging").items() - told().items()
    assert added == {("SEATRIAL_CONTEXT", "staging"), ("KUBERNETES_CONTEXT", "staging")}


@pytest.mark.parametrize("context", [None, "staging"])
def test_what_is_told_leads_back_to_the_same_cluster_and_system(
    monkeypatch: pytest.MonkeyPatch, context: str | None
) -> None:
    for name, value in told(context).items():
        monkeypatch.setenv(name, value)
    assert cluster_here() == Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), context)
    assert system_here() == load_system(SYSTEM_FILE)


def test_an_experiment_that_runs_alone_needs_only_the_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_KUBECONFIG", "/home/kubeconfig")
    assert cluster_here() == Cluster(Path("/home/kubeconfig"), kubectl(), None)
    assert system_here().namespace == "lead-platform"


@pytest.mark.parametrize("ambient", ["", "/home/.kube/config"])
def test_the_ambient_cluster_is_never_taken(monkeypatch: pytest.MonkeyPatch, ambient: str) -> None:
    monkeypatch.setenv("KUBECONFIG", ambient)
    monkeypatch.setenv("SEATRIAL_KUBECONFIG", "")
    with pytest.raises(UsageError) as caught:
        cluster_here()
    assert str(caught.value) == "SEATRIAL_KUBECONFIG is not set; set it to the kubeconfig that 'seatrial up' prints"


def test_a_kubeconfig_that_is_not_there_is_told_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_KUBECONFIG", "/no/kubeconfig")
    with pytest.raises(EnvironmentFault, match="kubeconfig /no/kubeconfig cannot be used: "):
        _ = cluster_here().core


def test_a_system_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_SYSTEM", "/no/system.yaml")
    with pytest.raises(UsageError, match=re.escape("/no/system.yaml: there is no such file")):
        system_here()


def test_a_typed_name_is_handed_on_with_what_the_description_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    said = OptIn(contexts=("staging",), namespace="lead-platform", typed="staging")
    cluster = Cluster(Path("/cache/kubeconfig"), Path("/cache/kubectl"), "staging", said)
    for name, value in surroundings(cluster, load_system(SYSTEM_FILE), SYSTEM_FILE, "^auth-1$").items():
        monkeypatch.setenv(name, value)
    assert cluster_here().opt_in == OptIn(contexts=(), namespace="lead-platform", typed="staging")


EXTENSION = Extension.model_validate_json(
    """{"name": "seatrial", "select": "one-of-each", "total_loss": true, "namespaces": ["kube-system"],
        "blast_radius": {"pods": 4, "percent_ready": 34, "minutes": 2}}"""
)


def test_a_run_is_bounded_by_its_file_and_its_records_begin_anew(tmp_path: Path) -> None:
    for name in ("ledger.jsonl", "timeline.jsonl"):
        (tmp_path / name).write_text("of an earlier run")
    began = time.time()
    given = bounded(EXTENSION, tmp_path)
    limits = Limits.model_validate_json(given["SEATRIAL_LIMITS"])
    assert (limits.pods, limits.percent_ready, limits.nodes, limits.total_loss) == (4, 34, 0, True)
    assert limits.until is not None
    assert began + 120 <= limits.until <= time.time() + 120
    assert (limits.namespaces, limits.ledger) == (("kube-system",), str(tmp_path / "ledger.jsonl"))
    assert given["SEATRIAL_UNDO"] == str(tmp_path / "undo.jsonl")
    assert given["SEATRIAL_TIMELINE"] == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_undo_log_has_one_name_from_wherever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert undo_log(Path("run")) == undo_log(tmp_path / "run") == tmp_path.resolve() / "run" / "undo.jsonl"


def test_every_variable_is_documented(tmp_path: Path) -> None:
    prose = (ROOT / "experiments" / "README.md").read_text()
    undocumented = [name for name in told("x") | bounded(EXTENSION, tmp_path) if f"`{name}`" not in prose]
    assert undocumented == []
