"""The pytest plugin: options, fixtures and the wiring of the reports; what it wires lies in ``seatrial.report``."""

from __future__ import annotations

import platform
import random
import shutil
import signal
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import pytest

from seatrial.capabilities import load_capabilities
from seatrial.cluster.addons import load_addons
from seatrial.cluster.deploy import kustomization, overlay_folder
from seatrial.cluster.kind import current_kubeconfig
from seatrial.contract import check_recording
from seatrial.errors import UsageError
from seatrial.paths import cached
from seatrial.report import allure_html
from seatrial.report.allure_steps import AllureScenarios, write_environment
from seatrial.report.catalogue import find_catalogue
from seatrial.report.evidence import Collectors, Evidence
from seatrial.report.features import SCENARIO, FeatureFile, asks_for_features, features_folder
from seatrial.report.nightly import DAILY, NIGHTLY, is_left_out
from seatrial.report.run import RunRecord, write_summary
from seatrial.report.scenarios import COLLECTORS, EVIDENCE, RECORD, ScenarioPlugin
from seatrial.report.table import summary_lines
from seatrial.route_metrics import load_route_metrics
from seatrial.system_file import load_system

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """The options of a run, as given on the command line."""

    cluster: str
    """``kind``: the project's own cluster, started or reused. ``current``: the kubeconfig's current context."""
    keep: bool
    """Leave cluster and system in place at the end, so that the next run is quick."""
    overlay: str
    """Name of the kustomize overlay to deploy."""
    components: tuple[Path, ...]
    """Kustomize components that are laid over the overlay, for instance a seeded fault."""
    system: Path
    """The description of the system under test."""
    seed: int
    """Seed of every random choice of the run."""
    reports: Path
    """Folder of the reports."""


_OPTIONS = pytest.StashKey[TrialOptions]()
_HTML = pytest.StashKey[str]()
"""One line about the HTML report: where it is, or why there is none."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sea trial")
    group.addoption(
        "--cluster", choices=("kind", "current"), default="kind", help="our kind cluster, or the current context"
    )
    group.addoption("--keep", action="store_true", default=True, help="leave the cluster for the next run (default)")
    group.addoption("--no-keep", action="store_false", dest="keep", help="remove what was started, at the end")
    group.addoption("--overlay", default="nginx", metavar="NAME", help="overlay to deploy (default: nginx)")
    group.addoption(
        "--component", action="append", default=[], metavar="FOLDER", help="kustomize component to lay over it"
    )
    group.addoption("--system", metavar="FILE", help="the system under test (default: system.yaml)")
    group.addoption("--seed", type=int, default=None, metavar="N", help="seed of random choices (default: a new one)")
    group.addoption("--reports", metavar="FOLDER", help="where reports go (default: reports)")
    group.addoption("--no-html", action="store_true", help="do not build the Allure HTML report")
    group.addoption(
        "--nightly", action="store_true", help="run what takes minutes, too (@nightly), but no shorter forms (@daily)"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    return FeatureFile.from_parent(parent, path=file_path) if file_path.suffix == ".feature" else None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare a run of features: before pytest's own plugins, so that they see the reports' default places."""
    if not asks_for_features(config):
        return
    _refuse_parallel_and_reruns(config)
    options = trial_options_of(config)
    _refuse_bad_input(options)
    record = RunRecord(overlay=options.overlay, seed=options.seed, cluster=options.cluster, versions=_versions())
    config.stash[RECORD] = record
    config.stash[COLLECTORS] = Collectors()
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"
    if not config.option.collectonly:
        _place_reports(config, options.reports)
        _end_on_sigterm_as_on_ctrl_c(config)
    scenarios = ScenarioPlugin(record, options.reports / "evidence", config.rootpath)
    config.pluginmanager.register(scenarios, "seatrial-scenarios")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the scenarios for ``--nightly`` out, or with it those that longer ones cover; the summary names them.

    That comes after all other choices were made.
    """
    if RECORD not in config.stash:
        return
    record = config.stash[RECORD]
    tag, names = (DAILY, record.left_for_daily) if config.option.nightly else (NIGHTLY, record.left_for_nightly)
    left = [item for item in items if is_left_out(item, tag, config.invocation_params.dir, config.args)]
    names.extend(item.stash[SCENARIO].name for item in left)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Follow allure-pytest, which by now has set up its reporter, if it has a folder to write to."""
    listener = session.config.pluginmanager.get_plugin("allure_listener")
    if RECORD in session.config.stash and listener:
        session.config.pluginmanager.register(AllureScenarios(listener.allure_logger), "seatrial-allure")


def pytest_report_header(config: pytest.Config) -> str | None:
    if RECORD not in config.stash:
        return None
    given = trial_options_of(config)
    return f"sea trial: cluster {given.cluster}, overlay {given.overlay}, system {given.system.name}, seed {given.seed}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports when all else of the session has ended, and before the terminal sums up."""
    config = session.config
    if RECORD not in config.stash or config.option.collectonly:
        return
    record, reports = config.stash[RECORD], trial_options_of(config).reports
    results = Path(config.option.allure_report_dir)
    write_environment(results, _environment(record))
    if record.scenarios and not config.option.no_html:
        with record.phase("HTML report"):
            config.stash[_HTML] = allure_html.tell(results, reports, cached("allure"))
    write_summary(reports / "summary.json", record)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if RECORD not in config.stash or config.option.collectonly:
        return
    reports = trial_options_of(config).reports
    terminalreporter.section("sea trial")
    for line in summary_lines(config.stash[RECORD], find_catalogue(features_folder(config) or config.rootpath)):
        terminalreporter.write_line(line)
    html = config.stash.get(_HTML, "")
    for line in filter(None, (html, f"summary: {reports / 'summary.json'}")):
        terminalreporter.write_line(line)


def trial_options_of(config: pytest.Config) -> TrialOptions:
    """Return the options of a run; the seed is drawn once."""
    if _OPTIONS not in config.stash:
        option, here = config.option, config.invocation_params.dir
        config.stash[_OPTIONS] = TrialOptions(
            cluster=option.cluster,
            keep=option.keep,
            overlay=option.overlay,
            components=tuple((here / each).resolve() for each in option.component),
            system=here / option.system if option.system else config.rootpath / "system.yaml",
            seed=random.SystemRandom().randrange(2**32) if option.seed is None else option.seed,
            reports=here / option.reports if option.reports else config.rootpath / "reports",
        )
    return config.stash[_OPTIONS]


@pytest.fixture(scope="session")
def trial_options(pytestconfig: pytest.Config) -> TrialOptions:
    """The options of this run."""
    return trial_options_of(pytestconfig)


@pytest.fixture(scope="session")
def run_record(pytestconfig: pytest.Config) -> RunRecord:
    """The facts of this run: add versions, the cluster's name and phases here."""
    return _of_features(pytestconfig.stash, RECORD)


@pytest.fixture(scope="session")
def failure_collectors(pytestconfig: pytest.Config) -> Collectors:
    """Collectors of the whole run: each is called for every scenario that does not pass."""
    return _of_features(pytestconfig.stash, COLLECTORS)


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Where this scenario keeps what it has to show."""
    return _of_features(request.node.stash, EVIDENCE)


@pytest.fixture
def on_failure(request: pytest.FixtureRequest) -> Collectors:
    """Collectors of this scenario: called before its tear-down, and only when it did not pass."""
    return _of_features(request.node.stash, COLLECTORS)


def _of_features(stash: pytest.Stash, key: pytest.StashKey[T]) -> T:
    if key not in stash:
        raise UsageError("this fixture exists in runs of features only", remedy="run 'pytest features/'")
    return stash[key]


def _place_reports(config: pytest.Config, reports: Path) -> None:
    """Give the reports their default places and drop those of the run before: what lies there belongs to one run."""
    if not config.option.allure_report_dir:
        config.option.allure_report_dir = str(reports / "allure-results")
        config.option.clean_alluredir = True
    config.option.xmlpath = config.option.xmlpath or str(reports / "junit.xml")
    for stale in (reports / "evidence", reports / "allure-report"):
        shutil.rmtree(stale, ignore_errors=True)
    (reports / "summary.json").unlink(missing_ok=True)


def _end_on_sigterm_as_on_ctrl_c(config: pytest.Config) -> None:
    """Have whoever ends the run so let it put back what it did first: a load would go on without it otherwise."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def restore() -> None:
        signal.signal(signal.SIGTERM, before)

    config.add_cleanup(restore)


def _refuse_parallel_and_reruns(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None):
        raise pytest.UsageError("features share one cluster and cannot run in parallel: leave -n (pytest-xdist) out")
    if getattr(config.option, "reruns", None):
        raise pytest.UsageError("no check is retried until it passes: leave --reruns (pytest-rerunfailures) out")


def _refuse_bad_input(options: TrialOptions) -> None:
    """Tell what is wrong with the files and names that were given, before anything is started."""
    try:
        system, overlay = load_system(options.system), overlay_folder(options.overlay)
        load_capabilities(overlay)
        load_addons(overlay)
        if system.gateway:
            load_route_metrics(overlay, system.gateway)
        if system.frontend:
            check_recording(options.system.parent / system.frontend, system)
        for component in options.components:
            kustomization(component, f"--component {component}")
        if options.cluster == "current":
            current_kubeconfig()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _versions() -> dict[str, str]:
    packages = ("seatrial", "pytest", "pytest-bdd", "allure-pytest")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _environment(record: RunRecord) -> dict[str, str]:
    facts = {"cluster": record.cluster, "overlay": record.overlay, "seed": str(record.seed)}
    return {"started": record.started.isoformat(timespec="seconds"), **facts, **record.versions}
